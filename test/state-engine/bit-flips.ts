/**
 * An object with everything in it that a table can have, packed with a second table over an older object, and what
 * readers make of it with single bits flipped: an error of a known kind or the right answer, never another one.
 */
import assert from "node:assert/strict";
import * as zlib from "node:zlib";
import {
  MemoryBlobStore,
  StateEngineError,
  blockHeader,
  encodeInt64,
  inspectTable,
  openReadOnly,
  stateKey,
  zlibCodecs,
} from "../../state-engine/index.ts";
import type { CompressionName, Environment, PersistedState } from "../../state-engine/index.ts";
import {
  COUNT_STATE,
  PLAIN_STATE,
  TINY,
  mergeOperators,
  openEngine,
  testEnvironment,
} from "./engine-fixture.ts";

export const CODECS = ["none", "deflate-raw", "zstd"] as const;
type Codec = CompressionName | "none";
const CODEC_NUMBERS: Record<Codec, number> = { none: 0, "deflate-raw": 1, zstd: 2 };

const TIME = 20;
const value = new Uint8Array(40).fill(7);
const plain = (group: number, name: number): Uint8Array =>
  stateKey(group, PLAIN_STATE, Uint8Array.of(0x61, 0x61, name));
const plainKeys = Array.from({ length: 12 }, (_, name) => plain(name % 3, name));
const countKeys = [0, 1].map((name) => stateKey(name, COUNT_STATE, Uint8Array.of(name)));

interface Packed {
  readonly environment: Environment;
  readonly blobStore: MemoryBlobStore;
  readonly persisted: PersistedState;
  /** Of the object both newer tables are in. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface FlippedBits {
  readonly bits: number;
  /** Ended in an error of a known kind. */
  readonly detected: number;
}

/** Throws at the first flip that gives a wrong answer, or an error of no known kind. Flips each bit that `isFlipped`. */
export async function flipBits(
  codec: Codec,
  isFlipped: (bit: number) => boolean,
): Promise<FlippedBits> {
  const packed = await writePacked(codec);
  const right = await readAll(packed);
  let bits = 0;
  let detected = 0;
  for (let bit = 0; bit < packed.bytes.length * 8; bit++) {
    if (!isFlipped(bit)) continue;
    bits++;
    const damaged = packed.bytes.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    await packed.blobStore.put(packed.path, damaged);
    try {
      const found = await readAll(packed);
      assert.equal(found, right, `codec=${codec} bit=${bit} gives another answer`);
    } catch (error) {
      if (!(error instanceof StateEngineError)) throw error;
      detected++;
    }
  }
  return { bits, detected };
}

async function writePacked(codec: Codec): Promise<Packed> {
  const environment = { ...testEnvironment(), codecs: zlibCodecs(zlib) };
  const blobStore = new MemoryBlobStore(environment);
  const tuning = { ...TINY, memtableEntries: 16, blockBytes: 150, compression: codec };
  const engine = openEngine({ environment, blobStore, tuning });
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  // Older values of everything, in an object of their own.
  for (const key of plainKeys) engine.put(key, 0, key.length, key, 0, key.length);
  for (const key of countKeys) engine.merge(key, 0, key.length, encodeInt64(5), 0, 1);
  const older = await engine.persist(engine.freeze(), options);
  engine.confirm(older);
  // As many as fill a memtable: a table by itself.
  for (let name = 0; name < 16; name++) {
    const key = plain(5, name);
    engine.put(key, 0, key.length, value, 0, value.length);
  }
  await engine.maintain();
  for (const [index, key] of plainKeys.entries()) {
    const expiresAt = index < 4 ? TIME + 30 : index < 6 ? TIME - 10 : Infinity;
    if (index < 2) engine.delete(key, 0, key.length);
    else if (index < 10) engine.put(key, 0, key.length, value, 0, value.length, expiresAt);
  }
  for (const key of countKeys) engine.merge(key, 0, key.length, encodeInt64(1), 0, 1);
  engine.deleteRange(plainKeys[10]!, stateKey(1, PLAIN_STATE, Uint8Array.of(0x61, 0x61, 0xff)));
  const persisted = await engine.persist(engine.freeze(), options);
  engine.close();
  const [newest, second] = persisted.tables;
  const { path } = newest!;
  const bytes = (await blobStore.get(path))!.slice();
  assert.equal(persisted.tables.length, 3);
  assert.equal(second!.path, path, "two tables are packed into one object");
  assert.deepEqual(featuresOf(bytes, persisted, environment), [CODEC_NUMBERS[codec]]);
  return { environment, blobStore, persisted, path, bytes };
}

/** The codecs its blocks have. Throws when the newest table has not got everything. */
function featuresOf(
  bytes: Uint8Array,
  { tables }: PersistedState,
  environment: Environment,
): number[] {
  const [{ offset, size, tombstones, deletedRanges, expiry }] = tables as [
    PersistedState["tables"][number],
  ];
  assert.deepEqual([tombstones, deletedRanges, expiry?.entries], [2, 1, 4]);
  const table = bytes.subarray(offset, offset + size);
  const { blocks, footer } = inspectTable(table, environment, "the newest table");
  assert.ok(footer.filter.size > 0);
  assert.ok(blocks.length > 1);
  return [...new Set(blocks.map((block) => blockHeader(table, block).codec))];
}

async function readAll({ environment, blobStore, persisted }: Packed): Promise<string> {
  const { tables } = persisted;
  const keyGroups = { first: 0, last: 7 };
  const reader = openReadOnly({
    environment,
    blobStore,
    tables,
    keyGroups,
    mergeOperators,
    time: TIME,
  });
  try {
    const { entries } = await reader.scan({});
    const values = await reader.getMany([...plainKeys, ...countKeys, plain(5, 3), plain(5, 99)]);
    const scanned = entries.map(({ key, value }) => `${key.join()}=${value.join()}`);
    return [...scanned, ...values.map((found) => found?.join())].join("\n");
  } finally {
    reader.close();
  }
}
