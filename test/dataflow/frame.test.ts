import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CountCombiner } from "../../dataflow/combiner.ts";
import { FrameError, FrameReader, FrameWriter, maxFrameBytes } from "../../dataflow/frame.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";

const keys = fc.uint8Array({ maxLength: 40 });
const deltas = fc.integer({ min: 1 - 2 ** 52, max: 2 ** 52 - 1 });

function readAll(
  bytes: Uint8Array,
): { hash: number; key: number[]; delta: number; value: number[] }[] {
  const reader = new FrameReader(bytes);
  const records = [];
  while (reader.next()) {
    const key = [...bytes.subarray(reader.keyOffset, reader.keyOffset + reader.keyLength)];
    const value = [...bytes.subarray(reader.valueOffset, reader.valueOffset + reader.valueLength)];
    records.push({ hash: reader.hash, key, delta: reader.delta, value });
  }
  expect(records.length).toBe(reader.records);
  return records;
}

describe("a frame", () => {
  test("gives back every count that was written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, deltas)), (records) => {
        const writer = new FrameWriter("count", 16);
        for (const [key, delta] of records) {
          writer.addCount(hash32(key, 0, key.length), key, 0, key.length, delta);
        }
        const frame = writer.finish();
        expect(frame.byteLength).toBe(frame.buffer.byteLength);
        expect(readAll(frame)).toEqual(
          records.map(([key, delta]) => ({
            hash: hash32(key, 0, key.length),
            key: [...key],
            delta,
            value: [],
          })),
        );
        expect(writer.records).toBe(0);
      }),
    );
  });

  test("gives back every value that was written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, keys)), (records) => {
        const writer = new FrameWriter("value");
        for (const [key, value] of records) writer.addValue(0xdeadbeef, key, value);
        expect(readAll(writer.finish())).toEqual(
          records.map(([key, value]) => ({
            hash: 0xdeadbeef,
            key: [...key],
            delta: 0,
            value: [...value],
          })),
        );
      }),
    );
  });

  test("that is damaged gives a FrameError or records, never another error", () => {
    const writer = new FrameWriter("count");
    for (let index = 0; index < 20; index++) {
      writer.addCount(index * 0x9e3779b1, Uint8Array.of(index, 1, 2, 3), 0, 4, index * 1e9);
    }
    const whole = writer.finish();
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      byte: fc.nat(255),
      length: fc.nat(whole.length),
    });
    fc.assert(
      fc.property(damage, ({ at, byte, length }) => {
        const bytes = whole.slice(0, length);
        if (at < length) bytes[at] = byte;
        expect(["records", "FrameError"]).toContain(decode(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test("of arbitrary bytes gives a FrameError or records, never another error", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 64 }), (kind, rest) => {
        expect(["records", "FrameError"]).toContain(decode(Uint8Array.of(1, kind, ...rest)));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What came of decoding: "records", or the name of the error thrown. */
function decode(bytes: Uint8Array): string {
  try {
    const reader = new FrameReader(bytes);
    while (reader.next()) {
      if (reader.keyOffset + reader.keyLength > bytes.length) return "a key beyond the frame";
      if (!Number.isSafeInteger(reader.delta)) return "a delta beyond the safe integers";
    }
    return "records";
  } catch (error) {
    return error instanceof FrameError ? "FrameError" : String(error);
  }
}

describe("a combiner", () => {
  test("adds up each key once whatever the order, and is empty after", () => {
    const words = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: -5, max: 5 })), {
      maxLength: 3_000,
    });
    fc.assert(
      fc.property(words, (records) => {
        const combiner = new CountCombiner();
        const expected = new Map<string, number>();
        for (const [number, delta] of records) {
          const word = `word${number}`;
          const key = new TextEncoder().encode(`..${word}`);
          expect(combiner.add(hash32(key, 2, word.length), key, 2, word.length, delta)).toBe(true);
          expected.set(word, (expected.get(word) ?? 0) + delta);
        }
        const combined = readAll(combiner.drain()).map(
          ({ key, delta }) => [String.fromCharCode(...key), delta] as const,
        );
        expect(combined).toEqual([...expected]);
        expect(combiner.isEmpty).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("tells keys of one hash apart", () => {
    const combiner = new CountCombiner();
    for (const byte of [1, 2, 1, 3]) combiner.add(7, Uint8Array.of(byte), 0, 1, 1);
    expect(readAll(combiner.drain()).map(({ key, delta }) => [key[0], delta])).toEqual([
      [1, 2],
      [2, 1],
      [3, 1],
    ]);
  });

  test("refuses what would make its frame larger than allowed, but takes one record of any size", () => {
    const combiner = new CountCombiner();
    const large = new Uint8Array(maxFrameBytes * 2).fill(1);
    expect(combiner.add(1, large, 0, large.length, 1)).toBe(true);
    expect(combiner.add(2, Uint8Array.of(2), 0, 1, 1)).toBe(false);
    expect(combiner.add(1, large, 0, large.length, 1)).toBe(true);
    expect(readAll(combiner.drain()).map(({ delta }) => delta)).toEqual([2]);

    const key = new Uint8Array(100);
    let added = 0;
    for (; combiner.add(added, key, 0, key.length, 1); added++) {
      new DataView(key.buffer).setUint32(0, added + 1);
    }
    const frame = combiner.drain();
    expect(frame.length).toBeLessThanOrEqual(maxFrameBytes);
    expect(frame.length).toBeGreaterThan(maxFrameBytes * 0.8);
    expect(readAll(frame).length).toBe(added);
  });
});
