import * as fc from "fast-check";
import { expect, test } from "vitest";
import { keyCodecs } from "../../state-engine/state/key-codec.ts";
import type { KeyCodec } from "../../state-engine/state/key-codec.ts";

function encode(codec: KeyCodec, key: unknown): Uint8Array {
  const bytes = new Uint8Array(codec.maxSize(key) + 2);
  return bytes.slice(2, codec.write(key, bytes, 2));
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

test("string keys are UTF-8, come back, and sort by code point", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, (left, right) => {
      const [a, b] = [encode(keyCodecs.string, left), encode(keyCodecs.string, right)];
      expect(a).toEqual(new TextEncoder().encode(left));
      expect(keyCodecs.string.read(a)).toBe(left.toWellFormed());
      const points = (key: string) => Array.from(key.toWellFormed(), (one) => one.codePointAt(0)!);
      expect(Math.sign(compareBytes(a, b))).toBe(comparePoints(points(left), points(right)));
    }),
    { numRuns: 500 },
  );
});

test("a lone surrogate becomes the replacement character, as in the platform's encoder", () => {
  expect(encode(keyCodecs.string, "a\ud800b")).toEqual(new TextEncoder().encode("a\ufffdb"));
});

test("integer keys come back and sort by value", () => {
  const edges = fc.constantFrom(
    0,
    -0,
    1,
    -1,
    2 ** 31,
    2 ** 32,
    -(2 ** 32),
    2 ** 53 - 1,
    1 - 2 ** 53,
  );
  const integer = fc.oneof(fc.maxSafeInteger(), edges);
  fc.assert(
    fc.property(integer, integer, (left, right) => {
      const [a, b] = [encode(keyCodecs.integer, left), encode(keyCodecs.integer, right)];
      expect(keyCodecs.integer.read(a)).toBe(left + 0);
      expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(left - right) + 0);
    }),
  );
});

test("bytes that were not written by the codec are refused, all others come back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      expect(attempt(() => keyCodecs.string.read(bytes))).toEqual(
        attempt(() => strict.decode(bytes)),
      );
    }),
    { numRuns: 2_000 },
  );
  expect(() => keyCodecs.string.read(Uint8Array.of(0xff))).toThrow(RangeError);
  expect(() => keyCodecs.integer.read(new Uint8Array(7))).toThrow("8 bytes");
});

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return { refused: true };
  }
}

function comparePoints(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((point, index) => point !== right[index]);
  if (at < 0) return Math.sign(left.length - right.length);
  return at >= right.length ? 1 : Math.sign(left[at]! - right[at]!);
}
