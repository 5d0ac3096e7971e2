import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError, FrameReader, FrameWriter } from "../../dataflow/frame.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";

const keys = fc.uint8Array({ maxLength: 40 });
const deltas = fc.integer({ min: 1 - 2 ** 52, max: 2 ** 52 - 1 });

function readAll(bytes: Uint8Array): { hash: number; key: number[]; delta: number }[] {
  const reader = new FrameReader(bytes);
  const records = [];
  while (reader.next()) {
    const key = [...bytes.subarray(reader.keyOffset, reader.keyOffset + reader.keyLength)];
    records.push({ hash: reader.hash, key, delta: reader.delta });
  }
  expect(records.length).toBe(reader.records);
  return records;
}

describe("a frame", () => {
  test("gives back every count that was written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, deltas)), (records) => {
        const writer = new FrameWriter(16);
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
          })),
        );
        expect(writer.records).toBe(0);
      }),
    );
  });

  test.for([0, 2, 3, 255])("of another kind is refused: %i", (kind) => {
    expect(() => new FrameReader(Uint8Array.of(1, kind, 0))).toThrow(FrameError);
  });

  test("that is damaged gives a FrameError or records, never another error", () => {
    const writer = new FrameWriter();
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
