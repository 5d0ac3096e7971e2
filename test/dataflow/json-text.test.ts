/** Values as JSON texts, beside what JSON.stringify makes of them. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toJsonText } from "../../dataflow/json-text.ts";

test("what JSON can express has the text that JSON gives it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toJsonText(value)).toBe(JSON.stringify(value));
    }),
  );
});

test.each([
  ["a bigint", { at: [12n] }, '{"at":["12"]}'],
  ["a Map", { at: new Map([["a", new Set([1])]]) }, '{"at":[["a",[1]]]}'],
  ["bytes", [{ at: Uint8Array.of(1, 255) }], '[{"at":"01ff"}]'],
  ["a date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ["what says its own JSON", { at: { toJSON: () => 5n } }, '{"at":"5"}'],
  [
    "an instance with a Map",
    new (class {
      readonly at = new Map([[1, 2]]);
    })(),
    '{"at":[[1,2]]}',
  ],
  ["undefined in an object and in an array", { a: undefined, b: [undefined] }, '{"b":[null]}'],
  ["a number that is not finite", [NaN, Infinity, -Infinity], "[null,null,null]"],
])("%s is shown as what comes nearest, however deep", (_what, value, text) => {
  expect(toJsonText(value)).toBe(text);
  const deep = Array.from({ length: 40 }).reduce<unknown>((inner) => [inner], value);
  expect(toJsonText(deep)).toBe(`${"[".repeat(40)}${text}${"]".repeat(40)}`);
});

test("a cycle and what has no text are refused", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => toJsonText(cycle)).toThrow(TypeError);
  expect(() => toJsonText(undefined)).toThrow("has no JSON text");
  expect(() => toJsonText(() => 1)).toThrow("has no JSON text");
});
