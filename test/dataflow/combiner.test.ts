/** Counts added up before they travel, against a plain Map. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CountCombiner } from "../../dataflow/combiner.ts";
import { FrameReader, maxFrameBytes } from "../../dataflow/frame.ts";
import { keyGroupOf } from "../../dataflow/key-group.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { keyCodecs } from "../../state-engine/state/key-codec.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Six key groups, not a power of two, so that they are found by division. */
const owners = Uint16Array.of(0, 0, 1, 1, 2, 2);
const partitionOf = (hash: number) => owners[keyGroupOf(hash, owners.length)]!;

type Record = readonly [key: string, count: number];

/** Drains, and checks on the way that every record stands in its own partition's frame under its hash. */
function drain(combiner: CountCombiner): { frames: Map<number, Uint8Array>; records: Record[] } {
  const frames = new Map<number, Uint8Array>();
  const records: Record[] = [];
  combiner.drain((partition, frame) => {
    expect(frames.has(partition)).toBe(false);
    frames.set(partition, frame);
    const reader = new FrameReader(frame);
    while (reader.next()) {
      const { hash, keyOffset, keyLength } = reader;
      const key = frame.subarray(keyOffset, keyOffset + keyLength);
      expect(hash).toBe(hash32(key));
      expect(partitionOf(hash)).toBe(partition);
      records.push([decoder.decode(key), reader.delta]);
    }
  });
  return { frames, records };
}

const sorted = (records: Iterable<Record>): Record[] =>
  [...records].sort(([one], [other]) => (one < other ? -1 : 1));

test("a combiner counts each key once whatever the order, at its partition, and is empty after", () => {
  const words = fc.oneof(
    fc.nat(5_000).map((number) => `word${number}`),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  // Later batches come to a combiner that was used before.
  const batches = fc.array(fc.array(words, { maxLength: 4_000 }), { maxLength: 3 });
  fc.assert(
    fc.property(batches, (texts) => {
      const combiner = new CountCombiner(owners, 3);
      for (const text of texts) {
        const expected = new Map<string, number>();
        for (const word of text) {
          expect(combiner.addString(word)).toBe(true);
          expected.set(word, (expected.get(word) ?? 0) + 1);
        }
        expect(sorted(drain(combiner).records)).toEqual(sorted(expected));
        expect(drain(combiner).records).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});

test("a combiner gives the keys of a partition in the order first seen", () => {
  const combiner = new CountCombiner(Uint16Array.of(0), 1);
  const words = Array.from({ length: 9_000 }, (_, index) => `w${(index * 7919) % 3_000}`);
  for (const word of words) combiner.addString(word);
  const keys: string[] = [];
  combiner.drain((_, frame) => {
    const reader = new FrameReader(frame);
    while (reader.next()) {
      const { keyOffset, keyLength } = reader;
      keys.push(decoder.decode(frame.subarray(keyOffset, keyOffset + keyLength)));
    }
  });
  expect(keys).toEqual([...new Set(words)]);
});

test("a combiner counts keys of either codec, and refuses one of another type", () => {
  const combiner = new CountCombiner(Uint16Array.of(0), 1);
  for (const key of [1, -1, 1]) expect(combiner.add(keyCodecs.integer, key)).toBe(true);
  expect(() => combiner.add(keyCodecs.integer, "1")).toThrow(TypeError);
  const counts: [unknown, number][] = [];
  combiner.drain((_, frame) => {
    const reader = new FrameReader(frame);
    while (reader.next()) {
      const { keyOffset, keyLength, delta } = reader;
      counts.push([
        keyCodecs.integer.read(frame.subarray(keyOffset, keyOffset + keyLength)),
        delta,
      ]);
    }
  });
  expect(counts).toEqual([
    [1, 2],
    [-1, 1],
  ]);
});

test("a combiner passes over the keys of partitions that are not active", () => {
  const combiner = new CountCombiner(owners, 3);
  combiner.setActive(1, false);
  const words = Array.from({ length: 300 }, (_, index) => `word${index}`);
  for (const word of words) expect(combiner.addString(word)).toBe(true);
  const { frames, records } = drain(combiner);
  expect([...frames.keys()]).toEqual([0, 2]);
  const others = words.filter((word) => partitionOf(hash32(encoder.encode(word))) !== 1);
  expect(sorted(records)).toEqual(sorted(others.map((word) => [word, 1])));
});

test("a combiner refuses what would make a frame larger than allowed, but takes one record of any size", () => {
  const combiner = new CountCombiner(Uint16Array.of(0), 1);
  const large = "x".repeat(maxFrameBytes * 2);
  expect(combiner.addString(large)).toBe(true);
  expect(combiner.addString("y")).toBe(false);
  expect(combiner.addString(large)).toBe(true);
  const taken: number[] = [];
  combiner.drain((_, frame) => {
    const reader = new FrameReader(frame);
    while (reader.next()) taken.push(reader.keyLength, reader.delta);
  });
  expect(taken).toEqual([large.length, 2]);

  let added = 0;
  while (combiner.addString(`key ${added}`.padEnd(100, "."))) added++;
  combiner.drain((_, frame) => {
    expect(frame.length).toBeLessThanOrEqual(maxFrameBytes);
    expect(frame.length).toBeGreaterThan(maxFrameBytes * 0.9);
    expect(new FrameReader(frame).records).toBe(added);
  });
  expect(added).toBeGreaterThan(0);
});

test("a combiner refuses a count that would take more bytes than it set aside for it", () => {
  const combiner = new CountCombiner(Uint16Array.of(0), 1);
  let added = 0;
  while (combiner.addString("a")) added++;
  expect(added).toBe(2 ** 20 - 1);
  combiner.drain((_, frame) => {
    const reader = new FrameReader(frame);
    reader.next();
    expect(reader.delta).toBe(added);
    expect(frame.length).toBe(3 + 4 + 1 + 1 + 3);
  });
  expect(combiner.addString("a")).toBe(true);
});

test("a combiner forgets what was not drained when it is cleared", () => {
  const combiner = new CountCombiner(owners, 3);
  for (const word of ["a", "b", "a"]) combiner.addString(word);
  combiner.clear();
  combiner.addString("b");
  expect(drain(combiner).records).toEqual([["b", 1]]);
});
