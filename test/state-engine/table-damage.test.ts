/**
 * Damaged bytes are detected or harmless: a reader of them gets an error of a known kind or the right
 * answer, never a wrong one.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  MemoryBlobStore,
  StateEngineError,
  decodeManifest,
  encodeManifest,
  openReadOnly,
  stateKey,
} from "../../state-engine/index.ts";
import type { Manifest, PersistedState } from "../../state-engine/index.ts";
import { Block } from "../../state-engine/sst/block.ts";
import { DecodedBlock } from "../../state-engine/sst/decoded-block.ts";
import { decodeProperties } from "../../state-engine/sst/properties.ts";
import {
  PLAIN_STATE,
  TINY,
  mergeOperators,
  openEngine,
  testEnvironment,
} from "./engine-fixture.ts";

const environment = testEnvironment();

async function writeTable(): Promise<{
  persisted: PersistedState;
  bytes: Uint8Array;
  path: string;
}> {
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ blobStore, tuning: { ...TINY, memtableEntries: 100 } });
  for (let index = 0; index < 12; index++) {
    const key = stateKey(index % 3, PLAIN_STATE, Uint8Array.of(0x61, index));
    engine.put(key, 0, key.length, Uint8Array.of(index, 1, 2), 0, 3);
  }
  const persisted = await engine.persist(engine.freeze(), {
    mode: "incremental",
    inlineLimitBytes: 0,
  });
  const { path } = persisted.tables[0]!;
  return { persisted, path, bytes: (await blobStore.get(path))! };
}

async function readAll(
  persisted: PersistedState,
  path: string,
  bytes: Uint8Array,
): Promise<string> {
  const blobStore = new MemoryBlobStore(environment);
  await blobStore.put(path, bytes);
  const { tables } = persisted;
  const engine = openReadOnly({
    environment,
    blobStore,
    tables,
    keyGroups: { first: 0, last: 7 },
    mergeOperators,
  });
  const { entries } = await engine.scan({});
  const value = await engine.get(stateKey(1, PLAIN_STATE, Uint8Array.of(0x61, 4)));
  engine.close();
  return JSON.stringify([entries.map(({ key, value }) => [[...key], [...value]]), [...value!]]);
}

test("every single-bit flip of a table is detected or harmless", async () => {
  const { persisted, path, bytes } = await writeTable();
  const right = await readAll(persisted, path, bytes);
  let detected = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const outcome = await readAll(persisted, path, damaged).catch((error: unknown) => error);
    const isDetected = outcome instanceof StateEngineError;
    if (isDetected) detected++;
    expect(isDetected ? right : outcome, `bit ${bit}`).toBe(right);
  }
  expect(detected).toBeGreaterThan(bytes.length * 7);
});

test("a table cut short at any length is refused", async () => {
  const { persisted, path, bytes } = await writeTable();
  for (let length = 0; length < bytes.length; length++) {
    const read = readAll(persisted, path, bytes.slice(0, length));
    await expect(read).rejects.toBeInstanceOf(StateEngineError);
  }
});

test("the same writes give the same bytes", async () => {
  const first = await writeTable();
  const second = await writeTable();
  expect(second.bytes).toEqual(first.bytes);
});

/** Success, or an error of a known kind. */
function decodes(decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (error instanceof StateEngineError) return true;
    throw error;
  }
}

test("decoders of blocks and properties answer any bytes with success or a typed error", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const block = decodes(() => new DecodedBlock().load(new Block(bytes, 0, "block")));
    return block && decodes(() => decodeProperties(bytes, "properties"));
  });
  expect(() => fc.assert(property, { numRuns: 3000 })).not.toThrow();
});

test("every single-bit flip of a manifest is refused", async () => {
  const { persisted } = await writeTable();
  const manifest: Manifest = {
    formatVersion: 1,
    id: 7,
    kind: "checkpoint",
    job: "j",
    parent: null,
    chain: [],
    generation: 1,
    nonce: "n",
    triggeredAt: 5,
    maxParallelism: 8,
    sources: [{ source: 0, offset: 12, watermark: null }],
    partitions: [
      {
        vertex: "v",
        index: 0,
        keyGroups: { first: 0, last: 7 },
        added: persisted.tables,
        removed: [],
        moved: [],
        sequence: persisted.sequence,
        time: 0,
        watermarks: {},
      },
    ],
  };
  const bytes = encodeManifest(manifest, environment);
  expect(decodeManifest(bytes, environment, "m")).toEqual(manifest);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeManifest(damaged, environment, "m"), `bit ${bit}`).toThrow(StateEngineError);
  }
});
