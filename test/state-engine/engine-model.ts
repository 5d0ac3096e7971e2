/**
 * The engine beside a map that is told the same: any sequence of writes, reads, flushes, compactions,
 * checkpoints, restores and clips gives what the map gives. Throws at the first difference.
 */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  MemoryBlobStore,
  encodeInt64,
  prefixEnd,
  stateKey,
  stateKeyHash,
} from "../../state-engine/index.ts";
import type { FrozenState, PersistedState, StateEngine } from "../../state-engine/index.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { COUNT_STATE, PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const KEY_GROUPS = { first: 0, last: 7 };

interface ModelValue {
  readonly value: string;
  readonly expiresAt: number;
}
type Entries = Map<string, ModelValue>;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

/** A key both in the engine's bytes and in the model's hexadecimal, which sorts alike. */
const key = fc
  .record({
    group: fc.integer({ min: 0, max: 7 }),
    bytes: fc.array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 3 }),
  })
  .map(({ group, bytes }) => ({ group, bytes: Uint8Array.from(bytes) }));
const plainKey = key.map(({ group, bytes }) => stateKey(group, PLAIN_STATE, bytes));
const countKey = key.map(({ group, bytes }) => stateKey(group, COUNT_STATE, bytes));
const anyKey = fc.oneof(plainKey, countKey);
const delta = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, -(2 ** 31)),
);

export const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key: plainKey,
      value: fc.uint8Array({ maxLength: 20 }),
      lifetime: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 40 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("advanceTime" as const),
      by: fc.integer({ min: 0, max: 15 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("scanPrefix" as const),
      key: anyKey,
      length: fc.integer({ min: 1, max: 6 }),
      reverse: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      key: countKey,
      delta,
      isFast: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("setCount" as const), key: countKey, delta }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: anyKey }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("deleteRange" as const), from: anyKey, to: anyKey }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("get" as const), key: anyKey }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("scan" as const),
      from: anyKey,
      to: anyKey,
      reverse: fc.boolean(),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("snapshot" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("readSnapshot" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("maintain" as const),
      times: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("freeze" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("persist" as const),
      mode: fc.constantFrom("incremental" as const, "incremental" as const, "full" as const),
      inlineLimitBytes: fc.constantFrom(0, 300, 20480),
      confirm: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("discard" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restore" as const), split: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stall" as const) }) },
);
export type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

export class Subject {
  readonly environment: Environment = testEnvironment();
  readonly blobStore: BlobStore = new MemoryBlobStore(this.environment);
  engine: StateEngine = this.open({ tables: [], sequence: 0 });
  model: Entries = new Map();
  time = 0;
  frozen: { state: FrozenState; model: Entries; time: number } | undefined;
  completed: { persisted: PersistedState; model: Entries; time: number } | undefined;
  snapshot: { taken: ReturnType<StateEngine["snapshot"]>; entries: [string, string][] } | undefined;

  open(from: Pick<PersistedState, "tables" | "sequence">, keyGroups = KEY_GROUPS): StateEngine {
    const { environment, blobStore } = this;
    return openEngine({ environment, blobStore, from, keyGroups });
  }

  async run(step: Command): Promise<void> {
    const { engine, model } = this;
    switch (step.kind) {
      case "put":
        this.put(step.key, step.value, this.time + step.lifetime);
        return;
      case "advanceTime":
        this.time += step.by;
        engine.advanceTime(this.time);
        return;
      case "scanPrefix":
        return this.scanPrefix(step);
      case "add":
        return this.add(step.key, step.delta, step.isFast);
      case "setCount": {
        this.put(step.key, encodeInt64(step.delta), Infinity);
        return;
      }
      case "delete":
        engine.delete(step.key, 0, step.key.length);
        model.delete(hex(step.key));
        return;
      case "deleteRange":
        engine.deleteRange(step.from, step.to);
        for (const name of model.keys()) {
          if (name >= hex(step.from) && name < hex(step.to)) model.delete(name);
        }
        return;
      case "get": {
        const found = await engine.get(step.key);
        assert.equal(found && hex(found), this.valueOf(hex(step.key)));
        return;
      }
      case "scan":
        return this.scan(step);
      case "maintain":
        for (let round = 0; round < step.times; round++) await engine.maintain();
        return;
      default:
        return this.runLifecycle(step);
    }
  }

  put(key: Uint8Array, value: Uint8Array, expiresAt: number): void {
    this.engine.put(key, 0, key.length, value, 0, value.length, expiresAt);
    this.model.set(hex(key), { value: hex(value), expiresAt });
  }

  /** Undefined when it never was, was deleted or has expired. */
  valueOf(name: string): string | undefined {
    const found = this.model.get(name);
    return found !== undefined && found.expiresAt > this.time ? found.value : undefined;
  }

  add(key: Uint8Array, delta: number, isFast: boolean): void {
    if (isFast) {
      this.engine.mergeInt64(key, 0, key.length, stateKeyHash(key, 0, key.length), delta);
    } else {
      const operand = encodeInt64(delta);
      this.engine.merge(key, 0, key.length, operand, 0, operand.length);
    }
    const name = hex(key);
    const before = this.valueOf(name);
    const sum = (before === undefined ? 0n : signed(bytesOf(before))) + BigInt(delta);
    this.model.set(name, { value: hex(encodeInt64(sum)), expiresAt: Infinity });
  }

  async scan(step: Extract<Command, { kind: "scan" }>): Promise<void> {
    const page = await this.engine.scan({
      start: step.from,
      end: step.to,
      reverse: step.reverse,
      limit: step.limit,
    });
    const inRange = sorted(this.model, this.time).filter(
      ([name]) => name >= hex(step.from) && name < hex(step.to),
    );
    const wanted = (step.reverse ? inRange.reverse() : inRange).slice(0, step.limit);
    assert.deepEqual(
      page.entries.map(({ key, value }) => [hex(key), hex(value)]),
      wanted,
    );
  }

  async scanPrefix(step: Extract<Command, { kind: "scanPrefix" }>): Promise<void> {
    const prefix = step.key.slice(0, Math.min(step.length, step.key.length));
    const page = await this.engine.scan({
      start: prefix,
      end: prefixEnd(prefix),
      reverse: step.reverse,
    });
    const wanted = sorted(this.model, this.time).filter(([name]) => name.startsWith(hex(prefix)));
    assert.deepEqual(
      page.entries.map(({ key, value }) => [hex(key), hex(value)]),
      step.reverse ? wanted.reverse() : wanted,
    );
  }

  async runLifecycle(step: Command): Promise<void> {
    const { engine, model } = this;
    switch (step.kind) {
      case "snapshot":
        this.snapshot?.taken.release();
        this.snapshot = { taken: engine.snapshot(), entries: sorted(model, this.time) };
        return;
      case "readSnapshot":
        if (this.snapshot === undefined) return;
        assert.deepEqual(await readAll(engine, this.snapshot.taken), this.snapshot.entries);
        return;
      case "freeze":
        if (this.frozen) engine.discard(this.frozen.state);
        this.frozen = { state: engine.freeze(), model: new Map(model), time: this.time };
        return;
      case "persist":
        return this.persist(step);
      case "discard":
        if (this.frozen) engine.discard(this.frozen.state);
        this.frozen = undefined;
        return;
      case "stall":
        await engine.admit(this.environment.memory.limitBytes);
        return;
      case "restore":
        return this.restore(step.split);
      default:
    }
  }

  async persist(step: Extract<Command, { kind: "persist" }>): Promise<void> {
    if (this.frozen === undefined) return;
    const { state, model, time } = this.frozen;
    this.frozen = undefined;
    const persisted = await this.engine.persist(state, step);
    const inline = persisted.tables.filter(({ inline }) => inline !== undefined);
    if (step.mode === "full") {
      assert.ok(inline.reduce((sum, { size }) => sum + size, 0) <= step.inlineLimitBytes);
    }
    if (!step.confirm) return;
    this.engine.confirm(persisted);
    this.completed = { persisted, model, time };
    const again = await this.engine.persist(this.engine.freeze(), { ...step, mode: "incremental" });
    if (again.sequence === persisted.sequence) {
      assert.deepEqual(again.tables, persisted.tables);
      assert.equal(again.uploadedBytes, 0);
    }
  }

  /** Back to the completed checkpoint; a split one is written apart by two engines and joined again. */
  async restore(isSplit: boolean): Promise<void> {
    this.engine.close();
    this.snapshot = undefined;
    this.frozen = undefined;
    const from = this.completed?.persisted ?? { tables: [], sequence: 0 };
    this.model = new Map(this.completed?.model);
    // Time is part of a checkpoint: what expired since has not expired there [15].
    this.time = this.completed?.time ?? 0;
    if (isSplit) {
      const halves = [
        { first: 0, last: 3 },
        { first: 4, last: 7 },
      ];
      const parts: PersistedState[] = [];
      for (const keyGroups of halves) {
        const half = this.open(from, keyGroups);
        const key = stateKey(keyGroups.first, PLAIN_STATE, Uint8Array.of(0x62));
        half.advanceTime(this.time);
        half.put(key, 0, key.length, key, 0, 1);
        half.deleteRange(Uint8Array.of(0, 0), stateKey(1, 0xffff, new Uint8Array(0)));
        while (await half.maintain());
        parts.push(await half.persist(half.freeze(), { mode: "incremental", inlineLimitBytes: 0 }));
        half.close();
      }
      const end = hex(stateKey(1, 0xffff, new Uint8Array(0)));
      const written = hex(stateKey(4, PLAIN_STATE, Uint8Array.of(0x62)));
      this.model.set(written, { value: "00", expiresAt: Infinity });
      for (const name of this.model.keys()) if (name < end) this.model.delete(name);
      const tables = parts.flatMap(({ tables }) => tables);
      const persisted = {
        ...parts[0]!,
        tables,
        sequence: Math.max(...parts.map((p) => p.sequence)),
      };
      this.completed = { persisted, model: new Map(this.model), time: this.time };
    }
    this.engine = this.open(this.completed?.persisted ?? from);
    this.engine.advanceTime(this.time);
  }

  async check(): Promise<void> {
    assert.deepEqual(await readAll(this.engine), sorted(this.model, this.time));
  }
}

function signed(bytes: Uint8Array): bigint {
  let value = bytes[0]! >= 0x80 ? -1n : 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** What has not expired, in order of key. */
function sorted(model: Entries, time: number): [string, string][] {
  return [...model]
    .filter(([, { expiresAt }]) => expiresAt > time)
    .map(([name, { value }]): [string, string] => [name, value])
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

async function readAll(
  engine: StateEngine,
  snapshot?: ReturnType<StateEngine["snapshot"]>,
): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  let next: { start?: Uint8Array; end?: Uint8Array } | undefined = {};
  while (next !== undefined) {
    const page = await engine.scan({ ...next, limit: 7, ...(snapshot && { snapshot }) });
    for (const { key, value } of page.entries) entries.push([hex(key), hex(value)]);
    next = page.next;
  }
  return entries;
}
