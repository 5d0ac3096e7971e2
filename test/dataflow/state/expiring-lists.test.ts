/** A list that is added to for ever, and whose elements expire: what is stored stays in proportion to what is alive. */
import { expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { createState, mergeOperatorOf } from "../../../dataflow/state/create-state.ts";
import { EngineStateStore } from "../../../dataflow/state/engine-state-store.ts";
import { StateAccess } from "../../../dataflow/state/state-access.ts";
import { StateOverlay } from "../../../dataflow/state/state-overlay.ts";
import { listState } from "../../../dataflow/state/state-descriptor.ts";
import type { StateTtl } from "../../../dataflow/state/state-descriptor.ts";
import { MemoryBlobStore, StateEngine, stateKey } from "../../../state-engine/index.ts";
import type { EngineTuning } from "../../../state-engine/index.ts";
import { testEnvironment } from "../../state-engine/engine-fixture.ts";

const STATE = 7;
const KEY = Uint8Array.of(0x6b);

/** A list state over an engine, with the time in the test's hand. */
class ListOverEngine {
  readonly engine: StateEngine;
  readonly #store: EngineStateStore;
  readonly #access: StateAccess;
  readonly #list;

  constructor(ttl: StateTtl, tuning: Partial<EngineTuning>) {
    const descriptor = listState("recent", codecs.int64, { ttl });
    const mergeOperators = new Map([[STATE, mergeOperatorOf(descriptor)!]]);
    const environment = testEnvironment();
    this.engine = StateEngine.open({
      environment,
      blobStore: new MemoryBlobStore(environment),
      keyGroups: { first: 0, last: 7 },
      tables: [],
      sequence: 0,
      mergeOperators,
      uploads: { nextPath: () => environment.newId(), note: () => undefined },
      tuning,
    });
    this.#store = new EngineStateStore(this.engine);
    const overlay = new StateOverlay(this.#store, mergeOperators);
    this.#access = new StateAccess(overlay, () => undefined);
    this.#access.setKey(1, KEY);
    this.#list = createState(descriptor, this.#access, STATE);
  }

  at(time: number): void {
    this.#access.processingTime = time;
    this.#store.advanceTime(time);
  }

  add(value: number): void {
    this.#list.add(value);
    this.#access.overlay.commit();
  }

  alive(): readonly number[] {
    return this.#list.get();
  }

  async storedBytes(): Promise<number> {
    return (await this.engine.get(stateKey(1, STATE, KEY)))?.length ?? 0;
  }
}

const shapes: readonly { name: string; tuning: Partial<EngineTuning>; settles: boolean }[] = [
  { name: "in one memtable", tuning: {}, settles: false },
  { name: "flushed again and again", tuning: { memtableEntries: 100 }, settles: true },
  {
    name: "flushed and merged in tiny tables",
    tuning: { memtableEntries: 37, blockBytes: 256, tableBytes: 1_000 },
    settles: true,
  },
];

test.each(shapes)(
  "[RD8] an append every 10 ms under a TTL of 10 s stores about what is alive, $name",
  async ({ tuning, settles }) => {
    const list = new ListOverEngine({ ttlMs: 10_000 }, tuning);
    let mostBytes = 0;
    for (let time = 10; time <= 80_000; time += 10) {
      list.at(time);
      list.add(time);
      if (time % 1000 !== 0) continue;
      if (settles) while (await list.engine.maintain());
      mostBytes = Math.max(mostBytes, await list.storedBytes());
    }
    const alive = Array.from({ length: 1000 }, (_, index) => 70_010 + index * 10);
    expect(list.alive()).toEqual(alive);
    // Eight bytes of deadline, one of length, eight of value at most.
    expect(mostBytes).toBeLessThan(3.5 * 1000 * 17);
    expect(list.engine.statistics().tableBytes).toBeLessThan(3.5 * 1000 * 17);
  },
);

test("[RD8] a list nobody adds to any more shrinks with the compactions it takes part in", async () => {
  const list = new ListOverEngine({ ttlMs: 1_000 }, { memtableEntries: 100 });
  for (let time = 1; time <= 1_000; time++) {
    list.at(time);
    list.add(time);
  }
  list.at(1_990);
  const other = stateKey(2, STATE + 1, KEY);
  for (let write = 0; write < 1_000; write++) list.engine.put(other, 0, other.length, KEY, 0, 1);
  while (await list.engine.maintain());
  const frozen = list.engine.freeze();
  await list.engine.persist(frozen, { mode: "full", inlineLimitBytes: 0 });
  expect(list.alive()).toEqual(Array.from({ length: 10 }, (_, index) => 991 + index));
  expect(await list.storedBytes()).toBeLessThan(300 * 17);
});

test("deadlines in event time, which the engine does not know, are left to their timers", async () => {
  const list = new ListOverEngine({ ttlMs: 10, time: "event" }, { memtableEntries: 4 });
  for (let time = 1; time <= 100; time++) {
    list.at(time * 1_000);
    list.add(time);
  }
  while (await list.engine.maintain());
  expect(list.alive()).toHaveLength(100);
});
