/** json() with the schemas of zod, valibot and arktype: one record type, one set of rejected lines. */
import { type } from "arktype";
import * as v from "valibot";
import { afterEach, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { job, type BuiltStream, type Stream } from "../../../dataflow/job.ts";
import type { RejectedLine } from "../../../dataflow/json-lines.ts";
import type { StandardSchema } from "../../../dataflow/standard-schema.ts";
import { JobWorld } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(stream: BuiltStream): JobWorld {
  const world = new JobWorld(stream, { seed: 3 });
  worlds.push(world);
  return world;
}

const options = {
  checkpoint: { intervalMs: 3_000 },
  restart: { initialBackoffMs: 100, maxBackoffMs: 200, attempts: 1 },
} as const;

/** What the schemas make of a line. `at` is a date in the line, and milliseconds in the record. */
interface Order {
  user: string;
  items: { price: number }[];
  at: number;
  note?: string | undefined;
}

const ofZod = z.object({
  user: z.string(),
  items: z.array(z.object({ price: z.number() })),
  at: z.iso.datetime().transform((text) => Date.parse(text)),
  note: z.string().optional(),
});
const ofValibot = v.object({
  user: v.string(),
  items: v.array(v.object({ price: v.number() })),
  at: v.pipe(
    v.string(),
    v.isoTimestamp(),
    v.transform((text) => Date.parse(text)),
  ),
  note: v.optional(v.string()),
});
const ofArktype = type({
  user: "string",
  items: type({ price: "number" }).array(),
  at: type("string.date.iso").pipe((text) => Date.parse(text)),
  "note?": "string",
});

const good = { user: "ann", items: [{ price: 3 }], at: "2026-10-01T12:00:00Z" };
const lines = [
  good,
  { ...good, user: 7 },
  { ...good, items: [{ price: 1 }, { price: "2" }] },
  { ...good, at: "yesterday", note: "kept" },
  { ...good, note: "kept" },
].map((record) => JSON.stringify(record));

test("a stream has the type of what the schema of each library makes", () => {
  expectTypeOf(job("j").json(ofZod)).toEqualTypeOf<Stream<Order>>();
  expectTypeOf(job("j").json(ofValibot)).toEqualTypeOf<Stream<Order>>();
  expectTypeOf(
    job("j")
      .json(ofArktype)
      .map(({ at }) => at),
  ).toEqualTypeOf<Stream<number>>();
  expectTypeOf(
    job("j")
      .json(ofArktype)
      .map(({ items }) => items[0]!.price),
  ).toEqualTypeOf<Stream<number>>();
  const orders = job("j").json(ofArktype);
  // @ts-expect-error An order has no price of its own.
  orders.map(({ price }) => price);
});

test.each<[string, StandardSchema<unknown, Order>]>([
  ["zod", ofZod],
  ["valibot", ofValibot],
  ["arktype", ofArktype],
])(
  "a schema of %s lets records pass as it makes them, and rejects the others with the field",
  async (_library, schema) => {
    const orders = job("orders", options).json(schema, { rejectedTo: "rejected" });
    const world = open(orders.output("orders"));
    await world.post([...lines, "{"]);
    await world.pass(5_000);
    await world.checkpoint();
    const output = await world.output();
    const of = (name: string): unknown[] =>
      output.filter((line) => line.output === name).map(({ value }) => value);
    const at = Date.parse(good.at);
    expect(of("orders")).toHaveLength(2);
    expect(of("orders")).toEqual(
      expect.arrayContaining([
        { ...good, at },
        { ...good, at, note: "kept" },
      ]),
    );
    const rejected = of("rejected") as RejectedLine[];
    const byLine = rejected.toSorted((a, b) => a.line - b.line);
    expect(byLine).toMatchObject(
      [/^user: ./, /^items\.1\.price: ./, /^at: ./, /^not JSON: ./].map((reason, index) => ({
        source: 0,
        line: [1, 2, 3, 5][index],
        reason: expect.stringMatching(reason) as string,
        text: [...lines, "{"][[1, 2, 3, 5][index]!],
      })),
    );
  },
);

const isKnown = async (text: string): Promise<boolean> => Promise.resolve(text !== "");

test.each<[string, StandardSchema<unknown, string>]>([
  ["zod", z.string().refine(isKnown)],
  ["valibot", v.pipeAsync(v.string(), v.checkAsync(isKnown))],
])(
  "a schema of %s that checks asynchronously ends the job and says why",
  async (library, schema) => {
    const world = open(job("orders", options).json(schema, { rejectedTo: "rejected" }).output());
    await world.post(['"ann"']);
    await world.pass(20_000);
    expect(await world.status()).toBe("FAILED");
    expect(await world.exceptions()).toMatchObject({
      exceptionHistory: {
        entries: [
          {
            operator: "json",
            source: 0,
            offset: 0,
            message: `The schema of json() (${library}) validates asynchronously. A line must give the same records whenever it is run: use a schema without asynchronous checks. The json of job "orders" failed at line 0 of source 0.`,
          },
          {},
        ],
      },
    });
    expect(await world.values()).toEqual([]);
  },
);
