import * as fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { field, recordCodec } from "../../../dataflow/codecs/record-codec.ts";

const order = recordCodec({
  id: codecs.text,
  amount: codecs.float64,
  note: field(codecs.text, { optional: true }),
  tags: codecs.structured<readonly string[]>(),
});

describe("records", () => {
  test("read back as they were written", () => {
    const values = fc.record(
      {
        id: fc.string({ unit: "binary" }),
        amount: fc.double(),
        note: fc.string(),
        tags: fc.array(fc.string()),
      },
      { requiredKeys: ["id", "amount", "tags"] },
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(order.decode(order.encode(value))).toEqual(value);
      }),
    );
  });

  test("have the types of their fields", () => {
    type Order = ReturnType<typeof order.decode>;
    expectTypeOf<Order["id"]>().toEqualTypeOf<string>();
    expectTypeOf<Order["note"]>().toEqualTypeOf<string | undefined>();
    // @ts-expect-error A record needs its fields.
    const check = () => order.encode({ id: "a" });
    expectTypeOf(check).toBeFunction();
  });

  test("refuse an object without a field, naming it", () => {
    expect(() => order.encode({ id: "a" } as never)).toThrow(/the field "amount"/);
    expect(() => order.encode(7 as never)).toThrow(/an object with the record's fields/);
  });

  test("read what an earlier declaration wrote: fields added, taken out, renamed and widened", () => {
    const before = recordCodec({
      user: codecs.text,
      count: codecs.int64,
      city: codecs.json<string>(),
    });
    const after = recordCodec({
      count: codecs.float64,
      customer: field(codecs.text, { formerly: "user" }),
      isNew: field(codecs.structured<boolean>(), { default: false }),
      note: field(codecs.text, { optional: true }),
    });
    const stored = before.encode({ user: "ann", count: 7, city: "Oslo" });
    expect(after.decode(stored)).toEqual({ customer: "ann", count: 7, isNew: false });
    const next = after.encode({ customer: "ann", count: 7.5, isNew: true, note: "hi" });
    expect(after.decode(next)).toEqual({ customer: "ann", count: 7.5, isNew: true, note: "hi" });
  });

  test("say which field is missing when it was declared neither optional nor with a default", () => {
    const before = recordCodec({ a: codecs.text });
    const after = recordCodec({ a: codecs.text, b: codecs.text });
    expect(() => after.decode(before.encode({ a: "x" }))).toThrow(/no field "b"/);
  });
});

test("a float64 reads every safe integer that int64 wrote", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(codecs.float64.decode(codecs.int64.encode(value))).toBe(value);
    }),
  );
});

test("a structured value reads every value that json wrote", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = codecs.structured().decode(codecs.json().encode(value));
      expect(JSON.stringify(read)).toBe(JSON.stringify(value));
    }),
  );
});
