/**
 * What builders refuse to write and readers refuse to read: keys out of order, and everything that is not what was
 * written. Each error of a reader names the table, its object and the offset, and says what was expected and found.
 */
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { StateEngineError, stateKey } from "../../state-engine/index.ts";
import { KIND_PUT } from "../../state-engine/memtable/entry-kind.ts";
import { resolveTuning } from "../../state-engine/options.ts";
import { Block, BlockReader } from "../../state-engine/sst/block.ts";
import { BlockBuilder } from "../../state-engine/sst/block-builder.ts";
import { DecodedBlock } from "../../state-engine/sst/decoded-block.ts";
import { FOOTER_BYTES, readFooter, readFrame, writeFrame } from "../../state-engine/sst/format.ts";
import { IndexBuilder } from "../../state-engine/sst/index-builder.ts";
import { buildPointIndex } from "../../state-engine/sst/point-index.ts";
import { decodeProperties } from "../../state-engine/sst/properties.ts";
import { TableBuilder } from "../../state-engine/sst/table-builder.ts";
import type { BuiltTable } from "../../state-engine/sst/table-builder.ts";
import { TableTail } from "../../state-engine/sst/table-tail.ts";
import { writeTail } from "../../state-engine/sst/write-tail.ts";
import { PLAIN_STATE, TINY, testEnvironment } from "./engine-fixture.ts";

const environment = testEnvironment();
/** Damage is not noticed by its checksum. */
const trusting: Environment = { ...environment, crc32: () => 0 };

const keyOf = (name: number): Uint8Array => stateKey(0, PLAIN_STATE, Uint8Array.of(name));
const value = new Uint8Array(12).fill(1);

function builder(world = environment, blockBytes = 32): TableBuilder {
  return new TableBuilder(world, resolveTuning({ ...TINY, blockBytes }, world), 0, false);
}

function add(table: TableBuilder, ...names: readonly number[]): TableBuilder {
  for (const name of names) {
    const key = keyOf(name);
    table.add(key, 0, key.length, -1, KIND_PUT, value, 0, value.length, Infinity);
  }
  return table;
}

describe("A table's builder", () => {
  test("refuses a key that does not come after the last one, in a block and across its end", () => {
    // Two entries fill a block.
    expect(() => add(builder(), 1, 9, 12, 20).finish(1, 2)).not.toThrow();
    expect(() => add(builder(), 9, 1)).toThrow("ascending order");
    expect(() => add(builder(), 1, 9, 5)).toThrow("ascending order");
    expect(() => add(builder(), 1, 9, 9)).toThrow("ascending order");
    expect(() => add(builder(), 1, 9, 10, 12, 11)).toThrow("ascending order");
  });

  test("refuses deleted ranges that are empty, overlap or are out of order, and joins those that touch", () => {
    const ranges = (...pairs: readonly (readonly [number, number])[]): BuiltTable => {
      const table = builder();
      for (const [start, end] of pairs) table.addDeletedRange(keyOf(start), keyOf(end));
      return table.finish(1, 1);
    };
    expect(ranges([1, 2], [2, 3], [5, 6]).properties.deletedRanges).toEqual([
      { start: keyOf(1), end: keyOf(3) },
      { start: keyOf(5), end: keyOf(6) },
    ]);
    expect(() => ranges([2, 2])).toThrow("not empty");
    expect(() => ranges([3, 2])).toThrow("not empty");
    expect(() => ranges([1, 4], [3, 5])).toThrow("in order");
    expect(() => ranges([5, 6], [1, 2])).toThrow("in order");
  });

  test("refuses to finish with nothing in it", () => {
    expect(() => builder().finish(1, 1)).toThrow("at least one entry");
  });
});

/** Of an entry: what it shares with the key before, the rest of its key, and its kind. */
type Entry = readonly [shared: number, rest: readonly number[], kind?: number];

/** A block as no builder writes it. Restarts: entries that are one. */
function blockOf(entries: readonly Entry[], restarts: readonly number[] = [0]): Uint8Array {
  const writer = new ByteWriter(256);
  const starts: number[] = [];
  for (const [index, [shared, rest, kind = KIND_PUT]] of entries.entries()) {
    if (restarts.includes(index)) starts.push(writer.length);
    for (const part of [shared, rest.length, kind]) writer.varint(part);
    writer.raw(Uint8Array.from(rest), 0, rest.length);
  }
  for (const start of [...starts, starts.length]) writer.u32(start);
  return writer.finish();
}

const NAME = "Block 3 at offset 40 of table t";
const load = (bytes: Uint8Array): void => new DecodedBlock().load(new Block(bytes, 0, NAME));
const index = (bytes: Uint8Array): unknown => buildPointIndex(new Block(bytes, 0, NAME));
const find = (bytes: Uint8Array): boolean =>
  new BlockReader().find(new Block(bytes, 0, NAME), keyOf(9), 0, 5);
const first: Entry = [0, [0, 0, 0, 1, 5, 5]];

describe("A block's keys", () => {
  test("ascend, with anything shared and whole keys at restarts", () => {
    const entries: Entry[] = [
      first,
      [5, [6]],
      [6, [0]],
      [0, [0, 0, 0, 1, 6]],
      [4, [7]],
      [0, [1, 0, 0, 0]],
    ];
    expect(() => load(blockOf(entries, [0, 3, 5]))).not.toThrow();
    // Sharing less than possible is unusual, and right.
    expect(() => load(blockOf([first, [2, [0, 1, 5, 6]]]))).not.toThrow();
  });

  test.each<[string, Entry, number[]]>([
    ["the same key again, whole", first, [0, 1]],
    ["a smaller whole key", [0, [0, 0, 0, 1, 5, 4]], [0, 1]],
    ["a beginning of the key before, whole", [0, [0, 0, 0, 1, 5]], [0, 1]],
  ])(
    "are refused where a whole one does not come after the one before: %s",
    (_name, second, restarts) => {
      expect(() => load(blockOf([first, second], restarts))).toThrow(
        "does not come after the one before",
      );
    },
  );
});

async function builtTable(world = environment): Promise<BuiltTable> {
  const table = add(builder(world), 1, 2, 3, 4, 5);
  table.addDeletedRange(keyOf(7), keyOf(8));
  return table.finish(1, 5);
}

function corruptionOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof StateEngineError && error.kind === "corruption") return error.message;
    throw error;
  }
  throw new Error("it was read");
}

const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const endless = Uint8Array.of(...huge, 0, 0, 0, 0, 1, 0, 0, 0);
const badKind = blockOf([[0, [0, 0, 0, 1], 3]]);
const tooLong = blockOf([[0, [0, 0, 0, 1], 8 * 200 + KIND_PUT]]);
const shares = blockOf([first, [9, [1]]]);
const short = blockOf([[0, [0, 0, 0]]]);

test.each<[string, () => unknown, RegExp]>([
  [
    "no restarts",
    () => load(Uint8Array.of(1, 0, 0, 0, 0)),
    /it has 0 restarts in 5 bytes, expected/,
  ],
  [
    "an endless integer",
    () => load(endless),
    /its integer at 0 does not end, expected at most 8 bytes before 9/,
  ],
  ["an unknown kind", () => load(badKind), /its entry at 0 is of kind 3, expected 0 to 2/],
  ["a value beyond the end", () => load(tooLong), /its entry at 0 ends at 208, expected 8 at most/],
  [
    "sharing too much",
    () => load(shares),
    /its entry at 9 shares 9 bytes with the key before, expected 6 at most/,
  ],
  ["a short key", () => load(short), /its entry at 0 has a key of 3 bytes, expected 4 at least/],
  [
    "an unknown kind, searched",
    () => find(badKind),
    /its entry at 0 is of kind 3, expected 0 to 2/,
  ],
  ["an endless integer, searched", () => find(endless), /its integer at 0 does not end/],
  [
    "sharing too much, indexed",
    () => index(shares),
    /its entry at 9 shares 9 bytes with the key before/,
  ],
  ["a short key, indexed", () => index(short), /its entry at 0 has a key of 3 bytes, expected 4/],
])(
  "an error in a block says where, what was expected and what was found: %s",
  (_name, read, wanted) => {
    const message = corruptionOf(read);
    expect(message).toMatch(wanted);
    expect(message).toContain(`${NAME} is damaged: `);
  },
);

test("the error of a frame: its place, checksum, codec, length and decompression", () => {
  const frame = (world: Environment, codec: "none" | "deflate-raw"): Uint8Array => {
    const writer = new ByteWriter(64);
    const raw = new Uint8Array(100).fill(1);
    const stored = codec === "none" ? undefined : world.codecs[codec]!.compress(raw);
    writeFrame(writer, raw, codec, stored, world);
    return writer.finish();
  };
  const read = (bytes: Uint8Array, world = environment): string =>
    corruptionOf(() => readFrame(bytes, 0, bytes.length, world, NAME));
  const sound = frame(environment, "none");
  expect(read(sound.slice(0, 8))).toContain("its frame is 8 bytes at 0 of those read, expected 9");
  const flipped = sound.slice();
  flipped[50]! ^= 1;
  expect(read(flipped)).toMatch(/its checksum is \d+, expected \d+/);
  const [plain, packed] = [frame(trusting, "none"), frame(trusting, "deflate-raw")];
  expect(read(Uint8Array.of(7, ...plain.subarray(1)), trusting)).toContain(
    "its codec is 7, expected 0 to 2",
  );
  expect(read(plain.slice(0, 60), trusting)).toContain("it has 51 bytes, expected 100");
  const message = read(packed.slice(0, -2), trusting);
  expect(message).toMatch(
    /its \d+ bytes of deflate-raw do not decompress to the expected 100: \w+/,
  );
});

test("the error of a tail and its footer: with their offsets in the table", async () => {
  const { bytes, indexOffset } = await builtTable(trusting);
  const tail = (change: (bytes: Uint8Array) => void, world = trusting): string => {
    const damaged = bytes.slice(indexOffset);
    change(damaged);
    return corruptionOf(() => new TableTail(damaged, indexOffset, world, "table t"));
  };
  const at = bytes.length - FOOTER_BYTES;
  const inTail = at - indexOffset;
  const set = (place: number, to: number) => (damaged: Uint8Array) =>
    new DataView(damaged.buffer).setUint32(place, to, true);
  const magic = tail(set(inTail + 44, 1));
  expect(magic).toContain(`table t is damaged: its footer at offset ${at} ends with `);
  expect(magic).toContain("expected the magic number");
  expect(tail(() => undefined, environment)).toMatch(
    new RegExp(`its footer at offset ${at} has the checksum \\d+, expected \\d+`),
  );
  expect(tail(set(inTail, 3))).toContain(`its index stands at 3, expected ${indexOffset}`);
  expect(tail(set(inTail + 16, 3))).toContain(
    `its properties begins at 3, expected ${indexOffset} at least`,
  );
  expect(tail((damaged) => (damaged[0] = 9))).toContain(
    `The index at offset ${indexOffset} of table t is damaged: its codec is 9`,
  );
  expect(corruptionOf(() => readFooter(new Uint8Array(3), environment, "table t", 20))).toContain(
    "it has 3 bytes from 20 on, expected 48 at least",
  );
});

test("the error of an index whose separators do not ascend, and of one whose blocks leave a gap", () => {
  const { properties } = add(builder(), 1).finish(1, 1);
  const written = (raw: Uint8Array): Uint8Array => {
    const writer = new ByteWriter(256);
    writeTail(writer, { index: raw, filter: undefined, properties: encoded }, "none", environment);
    return writer.finish();
  };
  const whole = add(builder(), 1).finish(1, 1);
  const footer = readFooter(whole.bytes, environment, "t");
  const encoded = readFrame(
    whole.bytes,
    footer.properties.offset,
    footer.properties.size,
    environment,
    "t",
  ).slice();
  expect(decodeProperties(encoded, "t")).toEqual(properties);
  const separators = new BlockBuilder(256, 1);
  const handle = Uint8Array.of(0, 0);
  for (const key of [keyOf(3), keyOf(5)])
    separators.add(key, 0, 5, KIND_PUT, handle, 0, 2, Infinity);
  const swapped = separators.finish().slice();
  // The last byte of the first key, before the two of its handle.
  swapped[7] = 6;
  const tail = (raw: Uint8Array): string =>
    corruptionOf(() => new TableTail(written(raw), 0, environment, "table t"));
  expect(tail(swapped)).toContain(
    "The index at offset 0 of table t is damaged: its entry at 10 has a key that does not come after",
  );
  const gap = new IndexBuilder();
  gap.add(keyOf(1), 0, 5, { offset: 4, size: 20 });
  expect(tail(gap.finish())).toContain(
    "its block 0 is 20 bytes at 4, expected at 0 and no end behind 0",
  );
});

test("the error of properties whose deleted ranges are out of order", async () => {
  const writer = new ByteWriter(64);
  writer.slice(keyOf(1));
  writer.slice(keyOf(9));
  for (const count of [0, 0, 0, 1, 1, 0, 2]) writer.varint(count);
  for (const bound of [5, 6, 1, 2]) writer.slice(keyOf(bound));
  const message = corruptionOf(() => decodeProperties(writer.finish(), "The properties of t"));
  expect(message).toContain("its deleted range 1 is from 0000000101 to 0000000102, expected");
  expect(message).toContain("from 0000000106 on");
});
