/**
 * Decoders of what lies in a bucket, given anything: an answer or an error of a known kind, in bounded time.
 * Checksums are made to agree, so that the decoders behind them see the damage.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MemoryBlobStore,
  StateEngineError,
  blockEntries,
  blockHeader,
  decodeManifest,
  encodeManifest,
  findTables,
  inspectTable,
  stateKey,
  stateKeyHash,
} from "../../state-engine/index.ts";
import type { Manifest } from "../../state-engine/index.ts";
import { KIND_PUT } from "../../state-engine/memtable/entry-kind.ts";
import { BlockBuilder } from "../../state-engine/sst/block-builder.ts";
import { Block, BlockReader } from "../../state-engine/sst/block.ts";
import { buildPointIndex, findInPointIndex } from "../../state-engine/sst/point-index.ts";
import { TableTail } from "../../state-engine/sst/table-tail.ts";
import { openVersion } from "../../state-engine/version/open-version.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

/** Every checksum is right. */
const trusting = { ...testEnvironment(), crc32: () => 0 };

/** Whether it is read; what is not is refused with an error of a known kind. */
function isRead(decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (!(error instanceof StateEngineError)) throw error;
    return false;
  }
}

async function writeTail(): Promise<{ bytes: Uint8Array; indexOffset: number }> {
  const blobStore = new MemoryBlobStore(trusting);
  const tuning = { ...TINY, memtableEntries: 100, filterMinimumEntries: 4 };
  const engine = openEngine({ environment: trusting, blobStore, tuning });
  const first = stateKey(5, PLAIN_STATE, Uint8Array.of(1));
  engine.put(first, 0, first.length, first, 0, 1);
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  await engine.persist(engine.freeze(), options);
  for (let index = 0; index < 20; index++) {
    const key = stateKey(index % 3, PLAIN_STATE, Uint8Array.of(0x61, index));
    const expiresAt = index % 4 === 0 ? 50 + index : Infinity;
    engine.put(key, 0, key.length, Uint8Array.of(index, 1, 2), 0, 3, expiresAt);
  }
  engine.deleteRange(stateKey(4, 0, new Uint8Array(0)), stateKey(6, 0, new Uint8Array(0)));
  const { tables } = await engine.persist(engine.freeze(), options);
  const { path, offset, size, indexOffset } = tables[0]!;
  const bytes = (await blobStore.getRange(path, offset + indexOffset, size - indexOffset))!;
  return { bytes, indexOffset };
}

/** Some bytes replaced, and the end cut off or not. */
const damage = fc.record({
  edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(60)),
});

type Damage = typeof damage extends fc.Arbitrary<infer Value> ? Value : never;

describe("the tail of a table", () => {
  const read = (bytes: Uint8Array, indexOffset: number): void => {
    const tail = new TableTail(bytes, indexOffset, trusting, "a table");
    const key = stateKey(1, PLAIN_STATE, Uint8Array.of(0x61, 4));
    tail.mayContain(0x1234_5678);
    tail.blockFor(key, 0, key.length);
    tail.deletes(key, 0, key.length);
  };

  test("with every one of its bits flipped is read or refused", async () => {
    const { bytes, indexOffset } = await writeTail();
    read(bytes, indexOffset);
    let reads = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      if (isRead(() => read(damaged, indexOffset))) reads++;
    }
    // Neither all nor none: the decoders behind the checksums were met.
    expect(reads).toBeGreaterThan(bytes.length);
    expect(reads).toBeLessThan(bytes.length * 7);
  });

  test("with some of its bytes replaced or cut off is read or refused", async () => {
    const { bytes, indexOffset } = await writeTail();
    const property = fc.property(damage, (harm) => {
      isRead(() => read(damagedBy(bytes, harm), indexOffset));
    });
    expect(() => fc.assert(property, { numRuns: 5_000 })).not.toThrow();
  });
});

/** Some of them replaced, the end cut off or not. */
function damagedBy(bytes: Uint8Array, { edits, cut }: Damage): Uint8Array {
  const damaged = bytes.slice(0, Math.max(0, bytes.length - cut));
  for (const [at, byte] of edits) if (damaged.length > 0) damaged[at % damaged.length] = byte;
  return damaged;
}

describe("a block of entries", () => {
  const keys = Array.from({ length: 24 }, (_, index) =>
    stateKey(index >> 3, PLAIN_STATE, new Uint8Array(1 + (index % 5) * 20).fill(index)),
  );
  const wholeBlock = (): Uint8Array => {
    const builder = new BlockBuilder(64, 3);
    for (const [index, key] of keys.entries()) {
      const expiresAt = index % 3 === 0 ? 1_000 + index : Infinity;
      builder.add(key, 0, key.length, KIND_PUT, key, 0, 3, expiresAt);
    }
    return builder.finish().slice();
  };

  /** Searches for every key both ways; what is found lies within the block. */
  const search = (bytes: Uint8Array): number => {
    const block = new Block(bytes, 0, "a block");
    const reader = new BlockReader();
    const hasIndex = buildPointIndex(block);
    let found = 0;
    for (const key of keys) {
      if (reader.find(block, key, 0, key.length)) {
        found++;
        if (reader.valueOffset + reader.valueLength > block.end)
          throw new Error("Beyond the block.");
      }
      if (!hasIndex) continue;
      const hash = stateKeyHash(key, 0, key.length);
      const at = findInPointIndex(block, block.index!, key, 0, key.length, hash);
      if (at >= 0) reader.read(block, at);
    }
    return found;
  };

  test("gives up its keys, and with any of its bits flipped is searched or refused", () => {
    const bytes = wholeBlock();
    expect(search(bytes)).toBe(keys.length);
    let reads = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      if (isRead(() => search(bytes))) reads++;
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    // Neither all nor none: most of it are keys and values, and what is wrong in those is read.
    expect(reads).toBeGreaterThan(bytes.length * 4);
    expect(reads).toBeLessThan(bytes.length * 8 - 100);
  });

  test("with some of its bytes replaced or cut off, or of any bytes, is searched or refused", () => {
    const whole = wholeBlock();
    const anyBytes = fc.oneof(
      damage.map((harm) => damagedBy(whole, harm)),
      // Few restarts, so that what stands before them is met.
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 3 }))
        .map(([entries, restarts]) => {
          const tail = new Uint8Array(restarts * 4 + 4);
          for (let index = 1; index < restarts; index++) tail[index * 4] = entries[index] ?? 0;
          tail[restarts * 4] = restarts;
          return Uint8Array.of(...entries, ...tail);
        }),
    );
    const property = fc.property(anyBytes, (bytes) => {
      isRead(() => search(bytes));
    });
    expect(() => fc.assert(property, { numRuns: 3_000 })).not.toThrow();
  });
});

/** What the command line does with an object: all tables in it, their blocks, their entries. */
function inspect(bytes: Uint8Array): number {
  let entries = 0;
  for (const { offset, size } of findTables(bytes, trusting, "an object")) {
    const table = bytes.subarray(offset, offset + size);
    const { blocks } = inspectTable(table, trusting, "a table");
    for (const [index, block] of blocks.entries()) {
      blockHeader(table, block);
      for (const { key } of blockEntries(table, blocks, index, trusting, "a table")) {
        if (key.length > 0) entries++;
      }
    }
  }
  return entries;
}

describe("an object of several tables", () => {
  async function writeObject(): Promise<Uint8Array> {
    const blobStore = new MemoryBlobStore(trusting);
    const tuning = { ...TINY, memtableEntries: 6, blockBytes: 60, compactionFanout: 100 };
    const engine = openEngine({ environment: trusting, blobStore, tuning });
    for (let index = 0; index < 18; index++) {
      const key = stateKey(index % 3, PLAIN_STATE, Uint8Array.of(0x61, index));
      engine.put(key, 0, key.length, key, 0, 3, index % 4 === 0 ? 50 + index : Infinity);
    }
    engine.deleteRange(stateKey(4, 0, new Uint8Array(0)), stateKey(6, 0, new Uint8Array(0)));
    for (let round = 0; round < 3; round++) await engine.maintain();
    const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
    const { tables } = await engine.persist(engine.freeze(), options);
    expect(new Set(tables.map(({ path }) => path)).size).toBe(1);
    expect(tables.length).toBeGreaterThan(1);
    return (await blobStore.get(tables[0]!.path))!.slice();
  }

  test("is inspected to its last entry, and with any of its bits flipped is read or refused", async () => {
    const bytes = await writeObject();
    expect(inspect(bytes)).toBe(18);
    let reads = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      if (isRead(() => inspect(bytes))) reads++;
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(reads).toBeGreaterThan(bytes.length);
    expect(reads).toBeLessThan(bytes.length * 7);
  });

  test("with some of its bytes replaced or cut off, or of any bytes, is read or refused", async () => {
    const whole = await writeObject();
    const anyBytes = fc.oneof(
      { weight: 4, arbitrary: damage.map((harm) => damagedBy(whole, harm)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    );
    const property = fc.property(anyBytes, (bytes) => {
      isRead(() => inspect(bytes));
    });
    expect(() => fc.assert(property, { numRuns: 3_000 })).not.toThrow();
  });
});

const MANIFEST: Manifest = {
  formatVersion: 1,
  id: 7,
  kind: "checkpoint",
  job: "j",
  parent: 6,
  chain: ["chk-6/manifest.json"],
  generation: 1,
  nonce: "n",
  triggeredAt: 5,
  maxParallelism: 8,
  schema: [
    {
      vertex: "v",
      keyType: "string",
      states: [
        { name: "count", kind: "count", codec: "int64", ttl: "updated" },
        {
          name: "seen",
          kind: "map",
          keyType: "integer",
          codec: { record: [{ name: "at", codec: { record: [] }, isOptional: true }] },
        },
      ],
    },
  ],
  sources: [{ source: 0, offset: 12, watermark: "9" }],
  partitions: [
    {
      vertex: "v",
      index: 0,
      keyGroups: { first: 0, last: 7 },
      added: [
        {
          id: "t/1#0",
          path: "t/1",
          offset: 0,
          size: 6,
          inline: "AAECAwQF",
          level: 0,
          run: 3,
          keyGroups: { first: 0, last: 7 },
          smallestKey: "00000001",
          largestKey: "00070001ff",
          position: 3,
          entries: 2,
          tombstones: 1,
          deletedRanges: 1,
          expiry: { entries: 1, earliest: 4, latest: 5 },
          smallestSequence: 1,
          largestSequence: 3,
          formatVersion: 1,
          indexOffset: 0,
        },
      ],
      removed: ["t/0#0@0-7"],
      moved: [{ table: "t/2#0@0-7", level: 1, run: 2 }],
      sequence: 3,
      time: 1,
      watermarks: { "0": 4 },
      watermark: 4,
      inFlight: { frames: 2, bytes: 4, data: { path: "t/3", size: 9 } },
    },
    {
      vertex: "w",
      index: 0,
      keyGroups: { first: 0, last: 7 },
      added: [],
      removed: [],
      moved: [],
      sequence: 0,
      time: 0,
      watermarks: {},
      inFlight: { frames: 1, bytes: 2, data: { inline: "AAEC" } },
    },
  ],
};

describe("a manifest with everything in it", () => {
  const environment = testEnvironment();

  test("is refused with any of its bits flipped", () => {
    const bytes = encodeManifest(MANIFEST, environment);
    expect(decodeManifest(bytes, environment, "m")).toEqual(MANIFEST);
    let refused = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      if (!isRead(() => decodeManifest(bytes, environment, "m"))) refused++;
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(refused).toBe(bytes.length * 8);
  });

  /** Every value in it, as the path of names and positions to it. */
  function places(value: unknown, path: readonly string[] = []): (readonly string[])[] {
    if (typeof value !== "object" || value === null) return [path];
    return [
      path,
      ...Object.entries(value).flatMap(([name, below]) => places(below, [...path, name])),
    ];
  }

  function replaced(value: unknown, [name, ...path]: readonly string[], by: unknown): unknown {
    if (name === undefined) return by;
    const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
    const fields = copy as Record<string, unknown>;
    fields[name] = replaced(fields[name], path, by);
    return copy;
  }

  test("is read or refused with any of its values replaced, down to the tables it names", () => {
    const property = fc.property(
      fc.constantFrom(...places(MANIFEST)),
      fc.jsonValue({ maxDepth: 2 }),
      (place, by) => {
        const bytes = encodeManifest(replaced(MANIFEST, place, by) as Manifest, trusting);
        isRead(() => {
          const { partitions } = decodeManifest(bytes, trusting, "m");
          for (const { added, keyGroups } of partitions) openVersion(added, keyGroups);
        });
      },
    );
    expect(() => fc.assert(property, { numRuns: 5_000 })).not.toThrow();
  });

  test("is read or refused whatever its bytes are", () => {
    const texts = fc.json().map((text) => new TextEncoder().encode(text));
    const property = fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), texts), (bytes) => {
      isRead(() => decodeManifest(bytes, trusting, "m"));
    });
    expect(() => fc.assert(property, { numRuns: 2_000 })).not.toThrow();
  });
});
