/** Every kind of state, read live and at a checkpoint: by key, and scanned. */
import { inspect, isDeepStrictEqual } from "node:util";
import { afterEach, expect, test } from "vitest";
import {
  aggregatingState,
  codecs,
  listState,
  mapState,
  reducingState,
  valueState,
} from "../../../dataflow/index.ts";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import { mergeOperatorsOf } from "../../../dataflow/keyed/keyed-states.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { ScanRequest } from "../../../durable-objects/messages.ts";
import { readLive, scanLive, type LiveState } from "../../../durable-objects/partition/reads.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { openReadOnly, resolveChain } from "../../../state-engine/index.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

const options = { parallelism: 1, maxParallelism: 1, checkpoint: { intervalMs: 0 } };

/** Answers of the partition as it is now, and of its latest checkpoint, which must be the same. */
class Reader {
  readonly #world: JobWorld;
  readonly #stored: LiveState;

  private constructor(world: JobWorld, stored: LiveState) {
    this.#world = world;
    this.#stored = stored;
  }

  static async atCheckpointOf(world: JobWorld): Promise<Reader> {
    await world.checkpoint();
    const vertex = world.graph.vertices[0]!;
    const path = await world.asking(async (outside) => {
      const id = await outside.coordinator().latestCheckpoint();
      const found = await outside.coordinator().locateCheckpoint(id);
      return found.kind === "found" ? found.path : undefined;
    });
    const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(0) });
    const blobStore = storeOf(world);
    const { partitions } = await resolveChain(blobStore, path, environment);
    const tables = partitions.find((one) => one.vertex === vertex.uid)!;
    const mergeOperators = mergeOperatorsOf(vertex);
    const engine = openReadOnly({ ...tables, environment, blobStore, mergeOperators });
    const snapshot = () => ({ sequence: tables.sequence, release: () => {} });
    const stored = {
      get: (key: Uint8Array) => engine.get(key),
      scan: ({ snapshot: _present, ...scan }: Parameters<LiveState["engine"]["scan"]>[0]) =>
        engine.scan(scan),
      snapshot,
    };
    return new Reader(world, {
      vertex,
      times: tables,
      keyGroups: tables.keyGroups,
      engine: stored,
    });
  }

  /** Undefined when the key holds nothing. */
  async read(state: string, key: string): Promise<unknown> {
    const request = { state, keyGroup: 0, key: new TextEncoder().encode(key) };
    const live = await this.#world.asking((outside) =>
      outside.partition(this.#task).readState(request),
    );
    expectAlike(await readLive(this.#stored, request), live);
    if (live.kind === "missing") return undefined;
    if (live.kind !== "found") return live.kind;
    return JSON.parse(live.json);
  }

  /** The lines of all pages, each of at most `limit`. */
  async scan(state: string, scan: Partial<ScanRequest> = {}): Promise<readonly unknown[]> {
    const lines: unknown[] = [];
    const limit = scan.limit ?? 2;
    for (let from: { cursor?: string } = {}; ;) {
      const request = { state, prefix: "", order: "key", ...scan, limit, ...from } as const;
      const page = await this.#world.asking((outside) =>
        outside.partition(this.#task).scanState(request),
      );
      expectAlike(await scanLive(this.#stored, request), page);
      if (page.kind !== "page") return [page.kind];
      if (page.entries.length > limit) throw new Error(`A page has more than ${limit} entries.`);
      lines.push(...page.entries.map(parsed));
      if (page.next === undefined) return lines;
      from = { cursor: page.next };
    }
  }

  get #task(): { vertex: string; index: number } {
    return { vertex: this.#stored.vertex.uid, index: 0 };
  }
}

function expectAlike(stored: unknown, live: unknown): void {
  if (isDeepStrictEqual(stored, live)) return;
  throw new Error(`The checkpoint answers ${inspect(stored)}, the partition ${inspect(live)}.`);
}

function parsed(entry: object): unknown {
  const texts = Object.entries(entry) as [string, string][];
  return Object.fromEntries(texts.map(([name, text]) => [name, JSON.parse(text) as unknown]));
}

function storeOf({ world }: JobWorld): BlobStore {
  const refuse = (): never => {
    throw new Error("A reader changes nothing.");
  };
  return {
    get: (path) => Promise.resolve(world.bucket.read(path)),
    getRange: (path, offset, length) =>
      Promise.resolve(world.bucket.readRange(path, offset, length)),
    put: refuse,
    list: refuse,
    delete: refuse,
  };
}

function open(stream: BuiltStream): JobWorld {
  const world = new JobWorld(stream);
  worlds.push(world);
  return world;
}

const total = { createAccumulator: () => ({ sum: 0, count: 0 }) };

/** What each user put into the cart, kept in every way there is. */
function carts(): BuiltStream {
  return job("carts", options)
    .lines()
    .map((line) => line.split(" ") as [string, string, string])
    .keyBy(([user]) => user)
    .process("carts", {
      state: {
        last: valueState("last", codecs.text),
        items: listState("items", codecs.text),
        amounts: mapState("amounts", "string", codecs.int64),
        slots: mapState<{ item: string }>("slots", "integer"),
        sum: reducingState("sum", (a: number, b: number) => a + b, codecs.int64),
        mean: aggregatingState("mean", {
          ...total,
          add: ({ sum, count }, amount: number) => ({ sum: sum + amount, count: count + 1 }),
          getResult: ({ sum, count }) => sum / count,
        }),
      },
      process([, item, text], { state }) {
        const amount = Number(text);
        state.last.update(item);
        state.items.add(item);
        state.amounts.put(item, amount);
        state.slots.put(amount - 2, { item });
        state.sum.add(amount);
        state.mean.add(amount);
      },
    })
    .output();
}

const cartLines = ["ann tea 1", "ann rice 3", "ann __proto__ 2", "bob tea 9", "bo\0b tea 4"];

test("[RD4] every kind of state reads by key, live and at a checkpoint alike", async () => {
  const world = open(carts());
  await world.post(cartLines);
  const reader = await Reader.atCheckpointOf(world);
  expect(await reader.read("last", "ann")).toBe("__proto__");
  expect(await reader.read("items", "ann")).toEqual(["tea", "rice", "__proto__"]);
  const amounts = (await reader.read("amounts", "ann")) as object;
  expect(Object.entries(amounts)).toEqual([
    ["__proto__", 2],
    ["rice", 3],
    ["tea", 1],
  ]);
  expect(await reader.read("slots", "ann")).toEqual({
    "-1": { item: "tea" },
    "0": { item: "__proto__" },
    "1": { item: "rice" },
  });
  expect(await reader.read("sum", "ann")).toBe(6);
  expect(await reader.read("mean", "ann")).toEqual({ sum: 6, count: 3 });
  for (const state of ["last", "items", "amounts", "slots", "sum", "mean"]) {
    expect(await reader.read(state, "an")).toBeUndefined();
  }
});

test("[RD4] every kind of state is scanned, live and at a checkpoint alike", async () => {
  const world = open(carts());
  await world.post(cartLines);
  const reader = await Reader.atCheckpointOf(world);
  expect(await reader.scan("items")).toEqual([
    { key: "ann", value: ["tea", "rice", "__proto__"] },
    { key: "bo\0b", value: ["tea"] },
    { key: "bob", value: ["tea"] },
  ]);
  expect(await reader.scan("slots", { prefix: "bo" })).toEqual([
    { key: "bo\0b", mapKey: 2, value: { item: "tea" } },
    { key: "bob", mapKey: 7, value: { item: "tea" } },
  ]);
  const prefix = { prefix: "ann" };
  expect(await reader.scan("amounts", prefix)).toEqual([
    { key: "ann", mapKey: "__proto__", value: 2 },
    { key: "ann", mapKey: "rice", value: 3 },
    { key: "ann", mapKey: "tea", value: 1 },
  ]);
  expect(await reader.scan("amounts", { order: "valueDescending" })).toEqual(["notNumeric"]);
  expect(await reader.scan("sum", { order: "valueDescending", limit: 1 })).toEqual([
    { key: "bob", value: 9 },
    { key: "ann", value: 6 },
    { key: "bo\0b", value: 4 },
  ]);
  const only = { keyGroup: 0, key: new TextEncoder().encode("ann") };
  expect(await reader.scan("amounts", { only })).toEqual(await reader.scan("amounts", prefix));
  expect(await reader.scan("items", { only, limit: 1 })).toEqual([
    { key: "ann", index: 0, value: "tea" },
    { key: "ann", index: 1, value: "rice" },
    { key: "ann", index: 2, value: "__proto__" },
  ]);
});

test("[RD5] a map or a list of more than 4 MiB is read a page at a time by its key", async () => {
  const stream = job("large", options)
    .lines()
    .keyBy((line) => line.slice(0, 1))
    .process("large", {
      state: {
        texts: mapState("texts", "integer", codecs.text),
        list: listState<string>("list"),
      },
      process(_line, { state }) {
        for (let index = 0; index < 4; index++) {
          state.texts.put(index, "x".repeat(400_000));
          state.list.add("y".repeat(400_000));
        }
      },
    })
    .output();
  const world = open(stream);
  await world.post(["a"]);
  const reader = await Reader.atCheckpointOf(world);
  expect(await reader.read("texts", "a")).toBe("tooLarge");
  expect(await reader.read("list", "a")).toBe("tooLarge");
  const only = { keyGroup: 0, key: new TextEncoder().encode("a") };
  expect(await reader.scan("texts", { only, limit: 100 })).toHaveLength(4);
  expect(await reader.scan("list", { only, limit: 100 })).toHaveLength(4);
  // A scan goes on past a list that it cannot show.
  expect(await reader.scan("list")).toEqual([{ key: "a" }]);
});

test("[RD6] what has expired is not shown, and deadlines are hidden", async () => {
  const ttl = { ttlMs: 10, time: "event" } as const;
  const stream = job("expiring", options)
    .lines()
    .assignTimestampsAndWatermarks(
      watermarks.monotonousTimestamps((line: string) => Number(line.slice(1))),
    )
    .keyBy((line) => line.slice(0, 1))
    .process("expiring", {
      state: {
        last: valueState("last", codecs.int64, { ttl }),
        list: listState("list", codecs.int64, { ttl }),
        map: mapState("map", "string", codecs.int64, { ttl }),
      },
      process(line, { state }) {
        const time = Number(line.slice(1));
        state.last.update(time);
        state.list.add(time);
        state.map.put(line, time);
      },
    })
    .output();
  const world = open(stream);
  await world.post(["a100", "a105", "b113"]);
  const reader = await Reader.atCheckpointOf(world);
  expect(await reader.read("last", "a")).toBe(105);
  expect(await reader.read("list", "a")).toEqual([105]);
  expect(await reader.read("map", "a")).toEqual({ a105: 105 });
  expect(await reader.scan("last", { order: "valueDescending" })).toEqual([
    { key: "b", value: 113 },
    { key: "a", value: 105 },
  ]);
  await world.post(["b200"]);
  const later = await Reader.atCheckpointOf(world);
  for (const state of ["last", "list", "map"]) {
    expect(await later.read(state, "a")).toBeUndefined();
    expect(await later.scan(state, { prefix: "a" })).toEqual([]);
  }
});

test("[RD7] contents of windows are listed with their window", async () => {
  const stream = job("windows", options)
    .lines()
    .assignTimestampsAndWatermarks(
      watermarks.monotonousTimestamps((line: string) => Number(line.slice(1))),
    )
    .keyBy((line) => line.slice(0, 1))
    .window(tumblingWindows(100))
    .reduce("longest", (a, b) => (b > a ? b : a))
    .output();
  const world = open(stream);
  await world.post(["a110", "a120", "b130"]);
  const reader = await Reader.atCheckpointOf(world);
  const window = { start: 100, end: 200 };
  expect(await reader.read("longest", "a")).toEqual([{ window, value: "a120" }]);
  expect(await reader.scan("longest")).toEqual([
    { key: "a", window, value: "a120" },
    { key: "b", window, value: "b130" },
  ]);
});

test("[RD7] a broadcast map is read by its own keys", async () => {
  const lines = job("rules", options).lines();
  const stream = lines
    .filter((line) => !line.startsWith("rule"))
    .keyBy((line) => line)
    .connectBroadcast(lines.filter((line) => line.startsWith("rule")))
    .processBroadcast("ruled", {
      broadcast: { rules: mapState("rules", "string", codecs.int64) },
      process: () => [],
      processBroadcast(rule, { broadcast }) {
        broadcast.rules.put(rule, rule.length);
      },
    })
    .output();
  const world = open(stream);
  await world.post(["rule a", "rule bc", "x"]);
  const reader = await Reader.atCheckpointOf(world);
  expect(await reader.read("rules", "rule a")).toBe(6);
  expect(await reader.read("rules", "rule")).toBeUndefined();
  expect(await reader.scan("rules", { limit: 1 })).toEqual([
    { key: "rule a", value: 6 },
    { key: "rule bc", value: 7 },
  ]);
});
