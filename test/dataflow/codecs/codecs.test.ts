import * as fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import type { ValueOf } from "../../../dataflow/codecs/codec.ts";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { StateEngineError } from "../../../state-engine/index.ts";

const anyStructured = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: false,
  maxDepth: 4,
});

test("a structured value comes back as it was, with every type JSON loses", () => {
  fc.assert(
    fc.property(anyStructured, (value) => {
      expect(codecs.structured().decode(codecs.structured().encode(value))).toStrictEqual(value);
    }),
  );
});

test("a structured value keeps bytes, NaN, -0, undefined and Infinity at any depth", () => {
  const value = {
    a: [Uint8Array.of(1, 0, 255), NaN, -0, undefined],
    b: new Map([[-Infinity, 3n]]),
  };
  expect(codecs.structured().decode(codecs.structured().encode(value))).toStrictEqual(value);
});

test("a key named __proto__ is a key like any other", () => {
  const value = JSON.parse('{"__proto__": {"x": 1}}') as unknown;
  const back = codecs.structured().decode(codecs.structured().encode(value));
  expect(Object.keys(back as object)).toEqual(["__proto__"]);
});

test.each([
  ["a function", { deep: [() => 1] }, "value.deep[0]"],
  ["a class instance", { at: new URL("https://example.com") }, "value.at"],
  ["a symbol", [Symbol("x")], "value[0]"],
])("%s is refused with the path to it", (_what, value, path) => {
  expect(() => codecs.structured().encode(value)).toThrow(path);
});

test("a cycle is refused instead of looping", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => codecs.structured().encode(cycle)).toThrow("nested deeper");
});

test("damaged structured bytes throw and never decode into something else unnoticed", () => {
  fc.assert(
    fc.property(anyStructured, (value) => {
      const bytes = codecs.structured().encode(value);
      expect(() => codecs.structured().decode(bytes.subarray(0, bytes.length - 1))).toThrow(
        /damaged/,
      );
      expect(() => codecs.structured().decode(Uint8Array.of(...bytes, 0))).toThrow(/damaged/);
    }),
  );
});

test("text, int64, float64, bytes and json come back as they were", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.maxSafeInteger(),
      fc.double(),
      fc.uint8Array(),
      fc.jsonValue(),
      (text, integer, double, bytes, json) => {
        expect(codecs.text.decode(codecs.text.encode(text))).toBe(text);
        expect(codecs.int64.decode(codecs.int64.encode(integer))).toBe(integer);
        expect(codecs.float64.decode(codecs.float64.encode(double))).toBe(double);
        expect(codecs.bytes.decode(codecs.bytes.encode(bytes))).toEqual(bytes);
        const roundTrip = JSON.parse(JSON.stringify(json)) as unknown;
        expect(codecs.json().decode(codecs.json().encode(json))).toEqual(roundTrip);
      },
    ),
  );
});

test("a value of another type is refused with the codec's name", () => {
  expect(() => codecs.int64.encode(1.5)).toThrow('"int64" cannot store 1.5');
  expect(() => codecs.text.encode(1 as unknown as string)).toThrow('"text"');
  expect(() => codecs.json<unknown>().encode(undefined)).toThrow('"json"');
});

test("the type of a codec's values is inferred", () => {
  expectTypeOf<ValueOf<typeof codecs.text>>().toEqualTypeOf<string>();
  const structured = codecs.structured<{ a: number }>();
  expectTypeOf<ValueOf<typeof structured>>().toEqualTypeOf<{ a: number }>();
});

/** Whether it is read; what is not is refused as corrupt. */
function isRead(bytes: Uint8Array): boolean {
  try {
    codecs.structured().decode(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof StateEngineError) || error.kind !== "corruption") throw error;
    return false;
  }
}

test("bytes that are no structured value are refused as corrupt, however they are wrong", () => {
  const nested = new Uint8Array(400_000).fill(1);
  for (let at = 0; at < nested.length; at += 2) nested[at] = 11;
  const refused = {
    "digits that are none": Uint8Array.of(8, 1, 0x78),
    "JSON that is none": new TextEncoder().encode("{a"),
    "an unknown tag": Uint8Array.of(15, 0),
    "more nesting than there is stack": nested,
    "an end in the middle": Uint8Array.of(11, 2, 0),
    "bytes left over": Uint8Array.of(0, 0),
  };
  const read = Object.entries(refused).filter(([, bytes]) => isRead(bytes));
  expect(read).toEqual([]);
});

test("a structured value with some of its bytes replaced is read or refused as corrupt", () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 3,
  });
  const property = fc.property(anyStructured, edits, (value, changes) => {
    const bytes = codecs.structured().encode(value).slice();
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    isRead(bytes);
  });
  expect(() => fc.assert(property, { numRuns: 1_000 })).not.toThrow();
});
