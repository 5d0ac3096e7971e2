/** What every runtime must read in a golden checkpoint: each key with its value, forwards, backwards, and by batch. */
import { expect } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { decodeHex, encodeHex } from "../../state-engine/bytes/text.ts";
import { int64Addition, openReadOnly, resolveChain } from "../../state-engine/index.ts";
import type { Environment } from "../../state-engine/environment.ts";
import type { GoldenCheckpoint } from "../state-engine/golden/golden-checkpoint.ts";

const COUNT_STATE = 2;
const mergeOperators = new Map([[COUNT_STATE, int64Addition]]);

/** The checkpoints of a folder of golden files, from the text of its contents.ndjson. */
export function goldenCheckpointsIn(contents: string): readonly GoldenCheckpoint[] {
  const lines = contents.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as GoldenCheckpoint);
}

export async function expectGoldenCheckpoint(
  golden: GoldenCheckpoint,
  blobStore: BlobStore,
  environment: Environment,
): Promise<void> {
  const { partitions } = await resolveChain(blobStore, golden.path, environment);
  expect(partitions).toHaveLength(golden.partitions.length);
  for (const [position, { entries }] of golden.partitions.entries()) {
    const { tables, keyGroups, time } = partitions[position]!;
    const options = { environment, blobStore, tables, keyGroups, time, mergeOperators };
    for (const reverse of [false, true]) {
      const engine = openReadOnly(options);
      const page = await engine.scan({ reverse });
      engine.close();
      const read = page.entries.map(({ key, value }) => [encodeHex(key), encodeHex(value)]);
      expect(read).toEqual(reverse ? entries.toReversed() : entries);
    }
    const engine = openReadOnly(options);
    const absent = Uint8Array.of(0, keyGroups.first, 0, 1, 0);
    const values = await engine.getMany([...entries.map(([key]) => decodeHex(key)), absent]);
    engine.close();
    expect(values.map((value) => value && encodeHex(value))).toEqual([
      ...entries.map(([, value]) => value),
      undefined,
    ]);
  }
}
