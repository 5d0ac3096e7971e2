import * as fc from "fast-check";
import { expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { OperatorRunner } from "../../../dataflow/operators/operator-runner.ts";
import { mergeOperatorsById } from "../../../dataflow/operators/operator-states.ts";
import { processOperator } from "../../../dataflow/operators/process-operator.ts";
import { EngineStateStore } from "../../../dataflow/state/engine-state-store.ts";
import type { StateEntry } from "../../../dataflow/state/keyed-state-store.ts";
import { listState, mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";
import { MemoryBlobStore, StateEngine, stateKey } from "../../../state-engine/index.ts";
import type { PersistedState } from "../../../state-engine/index.ts";
import {
  PLAIN_STATE,
  TINY,
  openEngine,
  testEnvironment,
} from "../../state-engine/engine-fixture.ts";

interface Step {
  readonly key: string;
  readonly at: number;
  readonly clear: boolean;
}

/** Uses every shape of state, a TTL and timers, and emits all it sees. */
const operator = processOperator({
  state: {
    last: valueState("last", codecs.int64, { ttl: { ttlMs: 15 } }),
    all: listState("all", codecs.int64),
    recent: listState("recent", codecs.int64, { ttl: { ttlMs: 20 } }),
    seen: mapState("seen", "integer", codecs.int64),
  },
  process({ at, clear }: Step, { state, timers, key }) {
    const view = [key, state.last.get(), state.all.get(), state.recent.get(), state.seen.entries()];
    state.last.update(at);
    state.all.add(at);
    state.recent.add(at);
    state.seen.put(at % 5, (state.seen.get(at % 5) ?? 0) + 1);
    timers.registerEventTimeTimer(at + 7);
    if (clear) {
      state.all.clear();
      state.seen.remove(2);
    }
    return [view];
  },
  onTimer: ({ timestamp }, { key, state }) => [["timer", timestamp, key, state.seen.keys()]],
});
const stateIds = new Map(operator.states.map(({ name }, index) => [name, index + 1]));
const keyGroups = { first: 0, last: 15 };

/** The operator over an engine that can be checkpointed and opened again with nothing resident. */
class OverEngine {
  readonly values: unknown[] = [];
  readonly #environment = testEnvironment();
  readonly #blobStore = new MemoryBlobStore(this.#environment);
  #paths = 0;
  #fetches = 0;
  #engine = this.#openEngine({ tables: [], sequence: 0 });
  #runner = this.#openRunner();

  async step(key: Uint8Array, keyGroup: number, value: Step, watermark: number): Promise<void> {
    const record = { key, keyGroup, value, timestamp: value.at, arrivalTime: value.at };
    while (!this.#runner.process(0, record)) await this.#fetchMissing();
    while (!this.#runner.advanceWatermark(watermark)) await this.#fetchMissing();
    while (await this.#engine.maintain());
  }

  /** Ranges and keys that had to be waited for. */
  get fetches(): number {
    return this.#fetches;
  }

  async reopen(): Promise<void> {
    const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
    const persisted = await this.#engine.persist(this.#engine.freeze(), options);
    const { watermark, processingTime } = this.#runner;
    this.#engine.close();
    this.#engine = this.#openEngine(persisted);
    this.#runner = this.#openRunner({ watermark, processingTime });
  }

  async #fetchMissing(): Promise<void> {
    this.#fetches++;
    await this.#runner.fetchMissing();
  }

  #openEngine({ tables, sequence }: Pick<PersistedState, "tables" | "sequence">): StateEngine {
    return StateEngine.open({
      environment: this.#environment,
      blobStore: this.#blobStore,
      keyGroups,
      tables,
      sequence,
      mergeOperators: mergeOperatorsById(operator.states, stateIds),
      uploads: { nextPath: () => `t/${this.#paths++}`, note: () => undefined },
      tuning: TINY,
    });
  }

  #openRunner(restored?: {
    readonly watermark: number;
    readonly processingTime: number;
  }): OperatorRunner {
    return new OperatorRunner({
      operator,
      stateIds,
      keyType: "string",
      keyGroups,
      store: new EngineStateStore(this.#engine),
      output: {
        record: (value) => this.values.push(value),
        update: () => undefined,
        side: () => undefined,
        request: () => undefined,
      },
      ...(restored === undefined ? {} : { restored }),
    });
  }
}

test("an operator over the engine, reopened anywhere with nothing resident, does what it does in memory", async () => {
  const steps = fc.array(
    fc.record({
      key: fc.constantFrom("a", "b", "c"),
      wait: fc.nat(9),
      clear: fc.boolean(),
      reopen: fc.boolean(),
    }),
    { maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const inMemory = openHarness(operator, { keys: [(step: Step) => step.key] });
      const overEngine = new OverEngine();
      let at = 0;
      for (const { key, wait, clear, reopen } of given) {
        at += wait;
        const step = { key, at, clear };
        await inMemory.setClock(at);
        await inMemory.process(step, at);
        await inMemory.processWatermark(at);
        await overEngine.step(codecs.text.encode(key), key.charCodeAt(0) % 16, step, at);
        if (reopen) await overEngine.reopen();
      }
      const sorted = (values: readonly unknown[]): string[] =>
        values.map((value) => JSON.stringify(value)).toSorted();
      expect(sorted(overEngine.values)).toEqual(sorted(inMemory.values()));
    }),
    { numRuns: 25 },
  );
});

test("an operator whose ranges and keys are in memory never waits for them; reopened, it waits for its first records alone", async () => {
  const overEngine = new OverEngine();
  const key = codecs.text.encode("a");
  const step = (at: number): Promise<void> =>
    overEngine.step(key, 1, { key: "a", at, clear: false }, at);
  for (let at = 0; at < 50; at++) await step(at);
  expect(overEngine.fetches).toBe(0);
  await overEngine.reopen();
  await step(51);
  const afterReopen = overEngine.fetches;
  expect(afterReopen).toBeGreaterThan(0);
  for (let at = 52; at < 80; at++) await step(at);
  expect(overEngine.fetches).toBeLessThanOrEqual(afterReopen + 3);
});

test("a range read at once is what a waiting scan reads, page for page, with any limit", async () => {
  const engine = openEngine();
  const store = new EngineStateStore(engine);
  const keyOf = (number: number): Uint8Array =>
    stateKey(0, PLAIN_STATE, Uint8Array.of(number >> 8, number));
  for (let number = 0; number < 2_500; number++) {
    store.put(keyOf(number), Uint8Array.of(number & 0xff), Infinity);
    if (number % 3 === 0) store.delete(keyOf(number >> 1));
  }
  const [start, end] = [keyOf(0), keyOf(5_000)];
  for (const limit of [0, 1, 999, 1_000, 1_001, Infinity]) {
    const entries: StateEntry[] = [];
    let next: Partial<Record<"start" | "end", Uint8Array>> | undefined = { start };
    while (next !== undefined && entries.length < limit) {
      const page = await engine.scan({ start, ...next, end, limit: 7 });
      entries.push(...page.entries);
      next = page.next;
    }
    expect(store.scan(start, end, limit)).toEqual(entries.slice(0, limit));
  }
});

/** Each record writes some sixty times its bytes: entries, timers, and more when these fire. */
const lavish = processOperator({
  state: { seen: mapState("seen", "integer", codecs.text) },
  process(at: number, { state, timers }) {
    for (let more = 0; more < 20; more++) {
      state.seen.put(at * 20 + more, "x".repeat(50));
      timers.registerEventTimeTimer(at * 20 + more);
    }
    return [];
  },
  onTimer({ timestamp }, { state }) {
    state.seen.put(-timestamp, "y".repeat(50));
    return [];
  },
});

test("[rule 31] a frame whose records and timers write many times its bytes keeps the pool within its limit", async () => {
  const limitBytes = 2 * 1024 * 1024;
  const environment = testEnvironment(limitBytes);
  const engine = openEngine({ environment, tuning: {} });
  let peakBytes = 0;
  const put = engine.put.bind(engine);
  engine.put = (...written) => {
    put(...written);
    peakBytes = Math.max(peakBytes, engine.usedBytes);
  };
  const runner = new OperatorRunner({
    operator: lavish,
    stateIds: new Map([["seen", PLAIN_STATE]]),
    keyType: "string",
    keyGroups,
    store: new EngineStateStore(engine),
    output: {
      record: () => undefined,
      update: () => undefined,
      side: () => undefined,
      request: () => undefined,
    },
  });
  await engine.admit(15_000);
  for (let at = 1; at <= 750; at++) {
    const key = codecs.text.encode(`key ${at}`);
    const record = { key, keyGroup: at % 8, value: at, timestamp: at, arrivalTime: at };
    while (!runner.process(0, record)) await runner.fetchMissing();
  }
  while (!runner.advanceWatermark(Infinity)) await runner.fetchMissing();
  expect(engine.sequence).toBeGreaterThan(750 * 20 * 3);
  expect(peakBytes).toBeLessThan(limitBytes);
});
