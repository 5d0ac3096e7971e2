/** What is short of state fetches it for all that come after it, in as few rounds as memory allows, and changes nothing by it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import { LookAhead } from "../../../dataflow/keyed/look-ahead.ts";
import { listState, mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { slidingWindows, tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { TaskOverEngine, type TaskRecord } from "./task-over-engine.ts";

afterEach(() => vi.restoreAllMocks());

const KEYS = Array.from({ length: 802 }, (_, number) => `key-${number}`);
const COLD = KEYS.filter((_, number) => number % 2 === 0);

const ONE_KEY_A_BLOCK = { blockBytes: 1, restartInterval: 1 };

const options = { parallelism: 1, maxParallelism: 16 };
const byKey = () =>
  job("cold", options)
    .lines()
    .assignTimestampsAndWatermarks(watermarks.none(() => 0))
    .keyBy((line) => line);

function eachStoredOnce(keys: readonly string[], timestamp = 5): TaskRecord[] {
  return keys.map((key) => ({ key, value: key, timestamp }));
}

interface Measured {
  readonly stream: BuiltStream;
  /** Rounds for 401 cold keys, and what each of them reads of its own. */
  readonly waits: number;
  readonly waitsEach: number;
}

const MEASURED: Readonly<Record<string, Measured>> = {
  "a count": {
    stream: byKey()
      .count("v", { ttl: { ttlMs: 1_000_000 } })
      .output(),
    waits: 1,
    waitsEach: 1,
  },
  "a list": {
    stream: byKey()
      .process("v", {
        state: { all: listState("all", codecs.text) },
        process(line: string, { state }) {
          state.all.add(line);
          return [state.all.get().length];
        },
      })
      .output(),
    waits: 1,
    waitsEach: 1,
  },
  "an entry of a map, under a key of each record's own": {
    stream: byKey()
      .process("v", {
        state: { seen: mapState("seen", "string", codecs.int64) },
        process(line: string, { state }) {
          const count = (state.seen.get(`of ${line}`) ?? 0) + 1;
          state.seen.put(`of ${line}`, count);
          return [count];
        },
      })
      .output(),
    waits: 1,
    waitsEach: 1,
  },
  "all entries of a map": {
    stream: byKey()
      .process("v", {
        state: { seen: mapState("seen", "string", codecs.int64) },
        process(line: string, { state }) {
          const count = state.seen.entries().length + 1;
          state.seen.put(`${line} ${count}`, count);
          return [count];
        },
      })
      .output(),
    waits: 1,
    waitsEach: 1,
  },
  "what is read only because of what was read before": {
    stream: byKey()
      .process("v", {
        state: {
          last: valueState("last", codecs.text),
          seen: mapState("seen", "string", codecs.int64),
        },
        process(line: string, { state }) {
          const last = state.last.get() ?? line;
          const count = (state.seen.get(last) ?? 0) + 1;
          state.seen.put(last, count);
          state.last.update(last);
          return [count];
        },
      })
      .output(),
    waits: 2,
    waitsEach: 2,
  },
  "a window": {
    stream: byKey()
      .window(tumblingWindows(100))
      .reduce("v", (a, b) => a + b)
      .output(),
    waits: 1,
    waitsEach: 1,
  },
};

describe("A frame of 401 keys whose state is not in memory", () => {
  test.each(Object.entries(MEASURED))(
    "waits once for each read that follows from another, not once for each key: %s",
    async (_name, { stream, waits, waitsEach }) => {
      const over = new TaskOverEngine(stream, { tuning: ONE_KEY_A_BLOCK });
      await over.apply(eachStoredOnce(KEYS));
      await over.reopen();
      const { tables } = over.engine.statistics();
      expect(await over.apply(eachStoredOnce(COLD))).toBe(401);
      expect(over.waits).toBe(waits);
      // The tail of each table, and its blocks in one range.
      expect(over.gets).toBeLessThanOrEqual(tables + waits * tables);
      const without = new TaskOverEngine(stream, { tuning: ONE_KEY_A_BLOCK });
      vi.spyOn(LookAhead.prototype, "look").mockReturnValue();
      await without.apply(eachStoredOnce(KEYS));
      await without.reopen();
      await without.apply(eachStoredOnce(COLD));
      // A range also reads on into the block of its neighbour.
      expect(without.waits).toBeGreaterThan(350 * waitsEach);
      expect(without.values).toEqual(over.values);
    },
  );
});

describe("Timers that are due together", () => {
  test.each([
    ["tumbling", tumblingWindows(100)],
    ["sliding", slidingWindows(100, 50)],
  ])("fetch what they read together: %s windows of 401 keys", async (_name, assigner) => {
    const stream = byKey()
      .window(assigner)
      .reduce("v", (a, b) => a + b)
      .output();
    const over = new TaskOverEngine(stream);
    await over.apply(eachStoredOnce(COLD));
    await over.reopen();
    await over.apply([], 1_000);
    expect(over.values.length).toBeGreaterThanOrEqual(401);
    // The timers themselves, then what they read.
    expect(over.waits).toBeLessThanOrEqual(4);
  });
});

const KIBIBYTE = 1024;

/** Reads three states, each because of what the one before held, and tells all it saw. */
function chained(given: { readonly failsWhenFirst?: boolean } = {}): BuiltStream {
  return byKey()
    .process("v", {
      state: {
        last: valueState("last", codecs.text),
        seen: mapState("seen", "string", codecs.text),
        all: listState("all", codecs.text),
      },
      process(line: string, { state }) {
        const last = state.last.get();
        if (given.failsWhenFirst === true && last === undefined && line.startsWith("later")) {
          throw new Error("A later record came before the first of its key.");
        }
        const seen = state.seen.get(last ?? "none") ?? "";
        const all = state.all.get();
        state.all.add(line.slice(0, 12));
        state.seen.put(line.slice(0, 12), line);
        state.last.update(line.slice(0, 12));
        return [[line.slice(0, 12), last ?? "", seen.slice(0, 12), all.length]];
      },
    })
    .output();
}

/** Text that no codec makes much smaller. */
function scrambled(random: SeededRandom, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(33 + random.integer(90))).join("");
}

describe("Where the keys of a frame take more memory than there is", () => {
  test("they are fetched in batches that fit", async () => {
    const random = new SeededRandom(7);
    const stream = byKey()
      .reduce("v", (a, b) => `${a.slice(0, 2_000)}${b.slice(0, 9)}`)
      .output();
    const memoryBytes = 1024 * KIBIBYTE;
    const over = new TaskOverEngine(stream, { memoryBytes, tuning: ONE_KEY_A_BLOCK });
    for (let from = 0; from < KEYS.length; from += 50) {
      const keys = KEYS.slice(from, from + 50);
      await over.apply(keys.map((key) => ({ key, value: scrambled(random, 2_000), timestamp: 5 })));
      await over.maintain();
    }
    await over.reopen();
    await over.apply(eachStoredOnce(COLD));
    expect(over.waits).toBeGreaterThan(1);
    // A batch has room for an eighth of this memory at least, where a stored byte counts as six.
    const batches = Math.ceil((401 * 2_100 * 6) / (128 * KIBIBYTE));
    const { tables } = over.engine.statistics();
    expect(over.waits).toBeLessThanOrEqual(batches + tables);
  });

  test("every record gets through in the end, in the order of its key, however little lasts until its turn", async () => {
    const random = new SeededRandom(11);
    const keys = KEYS.slice(0, 150);
    const frames = Array.from({ length: 12 }, (_, frame) =>
      Array.from({ length: 60 }, (__, index): TaskRecord => {
        const value = `${frame}-${index}-`.padEnd(12, "_") + scrambled(random, 3_000);
        // Time that moves makes the store forget what it holds.
        return { key: random.pick(keys), value, timestamp: 5, arrivalTime: frame * 100 + index };
      }),
    );
    const inMemory = new TaskOverEngine(chained());
    const tiny = new TaskOverEngine(chained(), {
      memoryBytes: 64 * KIBIBYTE,
      tuning: { blockBytes: 4 * KIBIBYTE },
    });
    for (const frame of frames) {
      await inMemory.apply(frame);
      await tiny.reopen();
      await tiny.apply(frame);
      // At worst each read of each record waits for itself.
      expect(tiny.waits).toBeLessThanOrEqual(3 * frame.length);
    }
    expect(tiny.values).toEqual(inMemory.values);
  });
});

describe("Nothing comes of looking ahead but what is fetched", () => {
  test("a function that throws only because it is ahead of its turn does not fail", async () => {
    const over = new TaskOverEngine(chained({ failsWhenFirst: true }));
    await over.apply(eachStoredOnce(KEYS.slice(0, 20)));
    await over.reopen();
    const first = COLD.slice(100).map((key) => ({ key, value: `first ${key}` }));
    const later = COLD.slice(100).map((key) => ({ key, value: `later ${key}` }));
    expect(await over.apply([{ key: "key-0", value: "cold" }, ...first, ...later])).toBe(603);
    await expect(over.apply([{ key: "new", value: "later" }])).rejects.toThrow("failed");
  });

  test("order and results are those of a task that has all in memory, whatever delays requests and reads beside it", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const delay = async (): Promise<void> => {
        for (let turns = random.integer(20); turns > 0; turns--) await Promise.resolve();
      };
      const inMemory = new TaskOverEngine(chained());
      const delayed = new TaskOverEngine(chained(), {
        memoryBytes: random.pick([64 * KIBIBYTE, 4_096 * KIBIBYTE]),
        tuning: { blockBytes: 256 },
        delay,
      });
      for (let frame = 0; frame < 6; frame++) {
        const records = Array.from({ length: 40 }, (_, index) => ({
          key: random.pick(KEYS.slice(0, 30)),
          value: `${frame}-${index}`,
          arrivalTime: frame + random.integer(3),
        }));
        await inMemory.apply(records);
        if (random.chance(0.7)) await delayed.reopen();
        const applied = delayed.apply(records);
        await Promise.all([applied, delayed.engine.scan({}), delayed.engine.maintain()]);
      }
      expect(delayed.values, `seed ${seed}`).toEqual(inMemory.values);
    }
  });

  test("a task that is closed while it fetches ahead does nothing more", async () => {
    const over = new TaskOverEngine(MEASURED["a count"]!.stream);
    await over.apply(eachStoredOnce(KEYS));
    await over.reopen();
    over.values.length = 0;
    const applied = over.apply(eachStoredOnce(COLD));
    over.task.close();
    await expect(applied).rejects.toThrow("closed while it waited");
    expect(over.values).toEqual([]);
  });
});
