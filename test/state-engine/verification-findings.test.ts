/**
 * What `weir manifest verify` finds in tables whose checksums are right and whose contents are not, and in
 * frames in flight: one made wrong for each rule.
 */
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { verifyCheckpoint } from "../../cli/inspect/verify-checkpoint.ts";
import { encodeInFlight } from "../../dataflow/in-flight-frames.ts";
import { encodeBase64 } from "../../state-engine/bytes/text.ts";
import {
  MemoryBlobStore,
  encodeManifest,
  stateKey,
  verifyTable,
} from "../../state-engine/index.ts";
import type { Manifest } from "../../state-engine/index.ts";
import { inspectTable } from "../../state-engine/inspect/table-inspection.ts";
import type { InFlightReference } from "../../state-engine/manifest/manifest.ts";
import type { BlockHandle } from "../../state-engine/sst/format.ts";
import { FRAME_BYTES } from "../../state-engine/sst/format.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const environment = testEnvironment();
const KEY_BYTES = 6;

interface WrittenTable {
  readonly reference: TableReference;
  readonly bytes: Uint8Array;
  readonly blocks: readonly BlockHandle[];
  readonly index: BlockHandle;
  readonly filter: BlockHandle;
}

/** 24 keys of six bytes in blocks of a few, stored as they are, every key at a restart. */
async function writeTable(): Promise<WrittenTable> {
  const blobStore = new MemoryBlobStore(environment);
  const tuning = { ...TINY, memtableEntries: 100, tableBytes: 10_000, restartInterval: 1 };
  const engine = openEngine({ blobStore, tuning });
  const put = (index: number): void => {
    const key = stateKey(0, PLAIN_STATE, Uint8Array.of(0x61, index * 2));
    engine.put(key, 0, key.length, Uint8Array.of(index), 0, 1);
  };
  const persistOptions = { mode: "incremental", inlineLimitBytes: 0 } as const;
  // The first table becomes the bottom, which has no filter.
  put(99);
  engine.confirm(await engine.persist(engine.freeze(), persistOptions));
  for (let index = 0; index < 24; index++) put(index);
  const { tables } = await engine.persist(engine.freeze(), persistOptions);
  engine.close();
  const reference = tables.find(({ entries }) => entries === 24);
  const bytes = (await blobStore.get(reference!.path))!;
  const { footer, blocks } = inspectTable(bytes, environment, "the table");
  const { index, filter } = footer;
  return { reference: reference!, bytes, blocks, index, filter };
}

/** Changes a section's raw bytes and makes its checksum right again. */
function rewrite(
  bytes: Uint8Array,
  { offset, size }: BlockHandle,
  change: (raw: Uint8Array) => void,
): void {
  const stored = bytes.subarray(offset + FRAME_BYTES, offset + size);
  change(stored);
  const head = crc32(bytes.subarray(offset, offset + 5));
  const checksum = (Math.imul(head, 0x9e3779b1) ^ crc32(stored)) >>> 0;
  new DataView(bytes.buffer).setUint32(offset + 5, checksum, true);
}

describe("The verification of a table", () => {
  test("finds nothing in a sound one, and checksums made right again are right", async () => {
    const { reference, bytes, blocks } = await writeTable();
    expect(verifyTable(bytes, reference, environment)).toEqual([]);
    rewrite(bytes, blocks[0]!, (raw) => raw.fill(9, FIRST_VALUE, FIRST_VALUE + 1));
    expect(verifyTable(bytes, reference, environment)).toEqual([]);
  });

  test("finds keys out of order (T3)", async () => {
    const { reference, bytes, blocks } = await writeTable();
    // The second key becomes the first one.
    rewrite(bytes, blocks[0]!, (raw) => raw.fill(0, SECOND_KEY_END - 1, SECOND_KEY_END));
    const [finding, ...others] = verifyTable(bytes, reference, environment);
    expect(finding).toMatch(
      /^T3 table .*, offset 0\): block 0 at offset 0: key 000000016100 does not come after 000000016100\.$/,
    );
    expect(others).toEqual([]);
  });

  test("finds keys above their block's separator (T4)", async () => {
    const { reference, bytes, index } = await writeTable();
    // The first separator sinks below every key of its block.
    rewrite(bytes, index, (raw) => raw.fill(0, FIRST_KEY + 4, FIRST_KEY + 5));
    const findings = verifyTable(bytes, reference, environment);
    expect(findings[0]).toMatch(
      /^T4 table .*: block 0 at offset 0: the index leads to block 1 for 000000016100\.$/,
    );
    expect(findings.every((finding) => finding.startsWith("T4 "))).toBe(true);
  });

  test("finds a filter that denies a key (T7)", async () => {
    const { reference, bytes, filter } = await writeTable();
    rewrite(bytes, filter, (bits) => bits.fill(0, 0, bits.length - 1));
    const findings = verifyTable(bytes, reference, environment);
    expect(findings).toHaveLength(24);
    expect(findings[5]).toMatch(
      /^T7 table .*: block \d+ at offset \d+: the filter denies key 00000001610a\.$/,
    );
  });
});

describe("The verification of frames in flight", () => {
  const frames = encodeInFlight(
    [
      {
        direction: "in",
        channel: "0",
        bytes: Uint8Array.of(1, 2, 3),
        watermark: 5,
        arrivalTime: 7,
        isIdle: false,
      },
    ],
    environment,
  );
  const damaged = frames.with(frames.length - 1, frames.at(-1)! ^ 1);

  test("finds nothing where they are what the manifest says, inline or in an object", async () => {
    expect(
      await findingsOf({ frames: 1, bytes: 3, data: { inline: encodeBase64(frames) } }),
    ).toEqual([]);
    expect(await findingsOf({ frames: 1, bytes: 3, data: inObject }, frames)).toEqual([]);
  });

  test("finds another number of them, damage, and an object that is gone (F1)", async () => {
    expect(
      await findingsOf({ frames: 2, bytes: 3, data: { inline: encodeBase64(frames) } }),
    ).toEqual(["F1 In-flight frames: expected 2, found 1."]);
    expect(
      await findingsOf({ frames: 1, bytes: 3, data: { inline: encodeBase64(damaged) } }),
    ).toEqual(["F1 The list of in-flight frames is damaged: its checksum does not match."]);
    expect(await findingsOf({ frames: 1, bytes: 3, data: inObject }, damaged)).toEqual([
      `F1 The list of in-flight frames at ${inObject.path} is damaged: its checksum does not match.`,
    ]);
    expect(await findingsOf({ frames: 1, bytes: 3, data: inObject })).toEqual([
      `F1 The in-flight frames at ${inObject.path} are gone.`,
    ]);
  });
});

/** In a section whose first entry has a key of six bytes at a restart: three varints, the key, the value. */
const FIRST_KEY = 3;
const FIRST_VALUE = FIRST_KEY + KEY_BYTES;
const SECOND_KEY_END = FIRST_VALUE + 1 + 3 + KEY_BYTES;

const inObject = { path: "job/in-flight", size: 1 };

async function findingsOf(
  inFlight: InFlightReference,
  object?: Uint8Array,
): Promise<readonly string[]> {
  const blobStore = new MemoryBlobStore(environment);
  const path = "job/chk-1/manifest.json";
  const manifest: Manifest = {
    formatVersion: 1,
    id: 1,
    kind: "checkpoint",
    job: "job",
    parent: null,
    chain: [],
    generation: 1,
    nonce: "nonce",
    triggeredAt: 0,
    maxParallelism: 8,
    sources: [],
    partitions: [
      {
        vertex: "counts",
        index: 0,
        keyGroups: { first: 0, last: 7 },
        added: [],
        removed: [],
        moved: [],
        sequence: 0,
        time: 0,
        watermarks: {},
        inFlight,
      },
    ],
  };
  await blobStore.put(path, encodeManifest(manifest, environment));
  if (object !== undefined) await blobStore.put(inObject.path, object);
  return (await verifyCheckpoint(blobStore, path)).findings;
}
