/** The jobs of docs/jobs.md, run under faults on lines of which a person can tell the results. */
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { BuiltStream } from "../../dataflow/job.ts";
import { codeBlocksOf } from "../support/code-blocks.ts";
import { silentSensors } from "../../examples/alert-with-timers.ts";
import { changeDataJoin } from "../../examples/change-data-join.ts";
import { deduplication } from "../../examples/deduplication.ts";
import { enrichment } from "../../examples/enrichment.ts";
import { fraudRule } from "../../examples/fraud-rule.ts";
import { funnel } from "../../examples/funnel.ts";
import { leaderboard } from "../../examples/leaderboard.ts";
import { rateLimiting } from "../../examples/rate-limiting.ts";
import { uniqueVisitors } from "../../examples/rolling-unique-counts.ts";
import { sessionisation } from "../../examples/sessionisation.ts";
import {
  JobWorld,
  ORDINARY_FAULTS,
  type CommittedLine,
} from "../durable-objects/jobs/job-world.ts";

const minute = 60_000;
const hour = 60 * minute;

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(stream: BuiltStream): JobWorld {
  const world = new JobWorld(stream, { seed: 5, rates: ORDINARY_FAULTS });
  worlds.push(world);
  return world;
}

/** Posts the lines one by one, some time apart, and answers all that is committed in the end. */
async function run(
  stream: BuiltStream,
  lines: readonly unknown[],
  pauseMs = 500,
): Promise<readonly CommittedLine[]> {
  const world = open(stream);
  for (const line of lines) {
    await world.post([typeof line === "string" ? line : JSON.stringify(line)]);
    await world.pass(pauseMs);
  }
  world.calm();
  await world.pass(20_000);
  await world.checkpoint();
  return await world.output();
}

/** Results of different keys come in any order. */
function valuesOf(lines: readonly CommittedLine[], output = "output"): readonly unknown[] {
  const values = lines.filter((line) => line.output === output).map(({ value }) => value);
  return values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

test("fraud rule: payments meet the rules that came before them; what is neither is rejected", async () => {
  const committed = await run(fraudRule, [
    { kind: "rule", id: "large", highest: 100 },
    { kind: "rule", id: "huge", highest: 1_000 },
    { kind: "payment", card: "a", amount: 50 },
    { kind: "payment", card: "b", amount: 500 },
    "no JSON",
    { kind: "rule", id: "large", highest: 700 },
    { kind: "payment", card: "a", amount: 600 },
    { kind: "payment", card: "c", amount: 5_000 },
  ]);
  expect(valuesOf(committed)).toEqual([
    { card: "b", amount: 500, rule: "large" },
    { card: "c", amount: 5_000, rule: "huge" },
    { card: "c", amount: 5_000, rule: "large" },
  ]);
  expect(valuesOf(committed, "rejected")).toMatchObject([{ line: 4, text: "no JSON" }]);
});

test("sessionisation: visits end after half an hour; a click hours late is set aside", async () => {
  const click = (visitor: string, page: string, at: number) => ({ visitor, page, at });
  const committed = await run(sessionisation, [
    click("ann", "/a", 0),
    click("ann", "/c", 20 * minute),
    click("ann", "/b", 19.5 * minute),
    click("bob", "/a", 10 * minute),
    click("ann", "/d", 3 * hour),
    click("bob", "/b", 11 * minute),
    click("bob", "/a", 9 * hour),
  ]);
  expect(valuesOf(committed)).toEqual([
    { visitor: "ann", from: 0, pages: ["/a", "/b", "/c"] },
    { visitor: "ann", from: 3 * hour, pages: ["/d"] },
    { visitor: "bob", from: 10 * minute, pages: ["/a"] },
  ]);
  expect(valuesOf(committed, "late")).toEqual([click("bob", "/b", 11 * minute)]);
});

test("leaderboard: a board is emitted whenever its best three change", async () => {
  const score = (player: string, points: number) => ({ game: "chess", player, points });
  const committed = await run(leaderboard, [
    score("ann", 5),
    score("bob", 7),
    score("cid", 1),
    score("dan", 0),
    score("dan", 6),
  ]);
  expect(committed.map(({ value }) => (value as { best: unknown }).best)).toEqual([
    [["ann", 5]],
    [
      ["bob", 7],
      ["ann", 5],
    ],
    [
      ["bob", 7],
      ["ann", 5],
      ["cid", 1],
    ],
    [
      ["bob", 7],
      ["dan", 6],
      ["ann", 5],
    ],
  ]);
});

test("alert with timers: silence raises one alert, without another line", async () => {
  const world = open(silentSensors);
  await world.post(['{"sensor":"a","value":1}', '{"sensor":"b","value":2}']);
  await world.pass(4 * minute);
  await world.post(['{"sensor":"a","value":3}']);
  await world.pass(4 * minute);
  world.calm();
  await world.pass(20 * minute);
  expect(valuesOf(await world.output())).toEqual([
    { sensor: "a", silentForMs: 5 * minute, last: 3 },
    { sensor: "b", silentForMs: 5 * minute, last: 2 },
  ]);
});

test("enrichment: each order meets the rate of its currency, asked again where the service fails", async () => {
  const rates = new Map([
    ["usd", 0.9],
    ["nok", 0.08],
  ]);
  let asked = 0;
  vi.stubGlobal("fetch", async (url: string) => {
    if (++asked % 3 === 0) return new Response("", { status: 503 });
    return new Response(String(rates.get(new URL(url).pathname.slice(1))));
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const order = (id: string, currency: string, amount: number) => ({ id, currency, amount });
  const committed = await run(enrichment, [
    order("o1", "usd", 10),
    order("o2", "nok", 100),
    order("o3", "usd", 20),
    order("o4", "nok", 200),
  ]);
  const euros = committed.map(({ value }) => value as { id: string; euro: number });
  expect(new Map(euros.map(({ id, euro }) => [id, euro]))).toEqual(
    new Map([
      ["o1", 9],
      ["o2", 8],
      ["o3", 18],
      ["o4", 16],
    ]),
  );
  expect(euros).toHaveLength(4);
});

test("deduplication: an order counts again only after a day", async () => {
  const world = open(deduplication);
  const order = '{"id":"o1","amount":5}';
  await world.post([order, order, '{"id":"o2","amount":6}']);
  await world.pass(23 * hour);
  await world.post([order]);
  await world.pass(2 * hour);
  await world.post([order]);
  world.calm();
  await world.checkpoint();
  expect(valuesOf(await world.output())).toEqual([
    { id: "o1", amount: 5 },
    { id: "o1", amount: 5 },
    { id: "o2", amount: 6 },
  ]);
});

test("funnel: each visitor counts once for each step taken in time", async () => {
  const action = (visitor: string, step: string, at: number) => ({ visitor, step, at });
  const committed = await run(funnel, [
    action("ann", "view", 0),
    action("ann", "cart", 10 * minute),
    action("ann", "payment", 20 * minute),
    action("bob", "cart", 21 * minute),
    action("bob", "view", 22 * minute),
    action("bob", "cart", 23 * minute),
    action("bob", "payment", 3 * hour),
    action("cid", "view", 3 * hour),
  ]);
  const newest = Object.fromEntries(committed.map(({ key, value }) => [String(key), value]));
  expect(newest).toEqual({ view: 3, cart: 2, payment: 1 });
});

test("change data join: orders wait for their customer and carry the newest name", async () => {
  const order = (id: string, customer: string) => ({ table: "orders", id, customer, amount: 1 });
  const upsert = (id: string, name: string) => ({ table: "customers", op: "upsert", id, name });
  const committed = await run(changeDataJoin, [
    order("o1", "c1"),
    upsert("c1", "Ann"),
    order("o2", "c1"),
    upsert("c1", "Anna"),
    order("o3", "c1"),
    { table: "customers", op: "delete", id: "c1" },
    order("o4", "c1"),
  ]);
  const names = committed.map(({ value }) => value as { id: string; name: string });
  expect(names.map(({ id, name }) => [id, name])).toEqual([
    ["o1", "Ann"],
    ["o2", "Ann"],
    ["o3", "Anna"],
  ]);
});

test("rate limiting: ten calls at once are allowed, and one more for each second", async () => {
  const world = open(rateLimiting);
  const calls = (client: string, first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) =>
      JSON.stringify({ client, call: first + index }),
    );
  await world.post(calls("a", 1, 12));
  await world.pass(3 * minute);
  await world.post([...calls("a", 13, 22), ...calls("b", 1, 3), ...calls("a", 23, 23)]);
  world.calm();
  await world.checkpoint();
  const refused = (await world.values()) as readonly { client: string; call: number }[];
  expect(refused.map(({ client, call }) => [client, call])).toEqual([
    ["a", 11],
    ["a", 12],
    ["a", 23],
  ]);
});

test("rolling unique counts: a visitor counts once in each window", async () => {
  const view = (visitor: string, at: number) => ({ page: "/", visitor, at });
  const committed = await run(uniqueVisitors, [
    view("ann", 0),
    view("ann", 5 * minute),
    view("bob", 15 * minute),
    view("ann", 62 * minute),
    view("cid", 81 * minute),
  ]);
  expect(committed.map(({ value }) => value)).toEqual(
    [1, 2, 2, 2, 2, 2, 2, 1].map((visitors, index) => ({
      page: "/",
      until: (index + 1) * 10 * minute,
      visitors,
    })),
  );
});

test("docs/jobs.md shows the files of examples/ as they are, all of them", () => {
  const shown = new Map(
    codeBlocksOf("docs/jobs.md").flatMap(({ file, text }) =>
      file === undefined ? [] : [[file, text] as const],
    ),
  );
  const folder = new URL("../../examples/", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  expect(new Set(shown.keys())).toEqual(new Set(files.map((file) => `examples/${file}`)));
  for (const [file, text] of shown) {
    expect(text).toBe(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
  }
});
