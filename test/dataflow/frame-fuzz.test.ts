/**
 * What travels between objects and lies in checkpoints beside tables, given anything: records and frames, or an
 * error of a known kind, in bounded time. Checksums are made to agree, so that the decoders see the damage.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError } from "../../dataflow/frame.ts";
import { decodeInFlight, encodeInFlight } from "../../dataflow/in-flight-frames.ts";
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import { RecordFrameReader, RecordFrameWriter } from "../../dataflow/record-frame.ts";
import { StateEngineError } from "../../state-engine/index.ts";

/** Every checksum is right. */
const trusting = { crc32: () => 0 };

/** Whether it is read; what is not is refused with an error of a known kind. */
function isRead(decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (!(error instanceof StateEngineError || error instanceof FrameError)) throw error;
    return false;
  }
}

/** Some bytes replaced, the end cut off or not. */
const damage = fc.record({
  edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(60)),
});

function damaged(whole: Uint8Array): fc.Arbitrary<Uint8Array> {
  return damage.map(({ edits, cut }) => {
    const bytes = whole.slice(0, Math.max(0, whole.length - cut));
    for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });
}

/** Of all single-bit flips, how many are read. */
function flipsRead(bytes: Uint8Array, decode: (bytes: Uint8Array) => void): number {
  let reads = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    if (isRead(() => decode(bytes))) reads++;
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  return reads;
}

describe("A frame of records", () => {
  const whole = (): Uint8Array => {
    const writer = new RecordFrameWriter();
    for (let index = 0; index < 12; index++) {
      writer.add({
        input: index % 3,
        isBroadcast: index % 5 === 0,
        hash: index * 0x1234_567,
        key: new Uint8Array(index).fill(index),
        keyLength: index,
        value: new Uint8Array(index * 3).fill(0x61),
        timestamp: index % 4 === 0 ? undefined : 1e12 - index * 1e9,
        watermark: index < 3 ? -Infinity : 1e11 + index,
        arrivalTime: 1e12 + (index >> 1),
        line: index * 100,
      });
    }
    return writer.finish();
  };

  /** Reads all of it, and from its middle once more with another reader. */
  const read = (bytes: Uint8Array): number => {
    const reader = new RecordFrameReader(bytes);
    let records = 0;
    while (reader.next()) {
      if (++records === 5) {
        const fork = reader.fork();
        while (fork.next())
          if (fork.value.length > bytes.length) throw new Error("Beyond the frame.");
      }
    }
    return records;
  };

  test("with any of its bits flipped is read or refused", () => {
    const bytes = whole();
    expect(read(bytes)).toBe(12);
    const reads = flipsRead(bytes, read);
    expect(reads).toBeGreaterThan(bytes.length * 4);
    expect(reads).toBeLessThan(bytes.length * 8 - 100);
  });

  test("with bytes replaced or cut off, or of any bytes behind its kind, is read or refused", () => {
    const rest = fc.uint8Array({ maxLength: 64 }).map((bytes) => Uint8Array.of(1, 3, ...bytes));
    const bytes = fc.oneof(damaged(whole()), rest, fc.uint8Array({ maxLength: 8 }));
    const property = fc.property(bytes, (found) => void isRead(() => read(found)));
    expect(() => fc.assert(property, { numRuns: 3_000 })).not.toThrow();
  });
});

describe("In-flight frames", () => {
  const frame = (index: number): InFlightFrame => ({
    direction: index % 2 === 0 ? "in" : "out",
    channel: index % 3 === 0 ? "7" : `vertex/${index}`,
    bytes: new Uint8Array(index * 5).fill(index),
    watermark: index === 0 ? -Infinity : index * 1e9,
    arrivalTime: 1e12 + index,
    isIdle: index === 4,
  });
  const frames = Array.from({ length: 6 }, (_, index) => frame(index));
  const read = (bytes: Uint8Array): InFlightFrame[] =>
    decodeInFlight(bytes, trusting, "In-flight frames");

  test("with any of their bits flipped are read or refused", () => {
    const bytes = encodeInFlight(frames, trusting);
    expect(read(bytes)).toEqual(frames);
    const reads = flipsRead(bytes, read);
    expect(reads).toBeGreaterThan(bytes.length * 3);
    expect(reads).toBeLessThan(bytes.length * 8 - 100);
  });

  test("with bytes replaced or cut off, or of any bytes, are read or refused", () => {
    const rest = fc
      .uint8Array({ maxLength: 80 })
      .map((bytes) => Uint8Array.of(1, ...bytes, 0, 0, 0, 0));
    const bytes = fc.oneof(
      damaged(encodeInFlight(frames, trusting)),
      rest,
      fc.uint8Array({ maxLength: 8 }),
    );
    const property = fc.property(bytes, (found) => void isRead(() => read(found)));
    expect(() => fc.assert(property, { numRuns: 3_000 })).not.toThrow();
  });
});
