/**
 * The engine beside a map that is told the same: any sequence of writes, reads, flushes, compactions,
 * checkpoints, restores and clips gives what the map gives. Throws at the first difference.
 */
import assert from "node:assert/strict";
import {
  MemoryBlobStore,
  batchBytes,
  encodeInt64,
  prefixEnd,
  stateKey,
  stateKeyHash,
} from "../../state-engine/index.ts";
import type {
  EngineTuning,
  FrozenState,
  PersistedState,
  StateEngine,
} from "../../state-engine/index.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { BatchRecorder } from "./batch-recorder.ts";
import type { SingleWrites } from "./batch-recorder.ts";
import { CheckpointChain, readCheckpoint } from "./checkpoint-chain.ts";
import { countedCodecs } from "./counted-codecs.ts";
import type { Command, WriteCommand } from "./engine-command.ts";
import { ELEMENT_BYTES, PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";
import { alive, bytesOf, hex, named, signed, sorted } from "./model-entries.ts";
import type { Entries } from "./model-entries.ts";
import { watchVersions } from "./watched-versions.ts";

watchVersions();

const KEY_GROUPS = { first: 0, last: 7 };

export class Subject {
  readonly #codecs = countedCodecs();
  readonly environment: Environment = { ...testEnvironment(), codecs: this.#codecs.codecs };
  readonly blobStore: BlobStore = new MemoryBlobStore(this.environment);
  readonly tuning: Partial<EngineTuning>;
  readonly chain = new CheckpointChain(this.environment);
  engine: StateEngine;
  model: Entries = new Map();
  time = 0;
  /** While writes are gathered. */
  batch: BatchRecorder | undefined;
  frozen: { state: FrozenState; model: Entries; time: number } | undefined;
  completed: { persisted: PersistedState; model: Entries; time: number } | undefined;
  snapshot:
    | { taken: ReturnType<StateEngine["snapshot"]>; entries: [string, string][]; time: number }
    | undefined;

  constructor(tuning: Partial<EngineTuning> = {}) {
    this.tuning = { ...TINY, ...tuning };
    this.engine = this.open({ tables: [], sequence: 0 });
  }

  /** Blocks that were stored compressed and decompressed again. */
  get decompressed(): number {
    return this.#codecs.decompressed();
  }

  open(from: Pick<PersistedState, "tables" | "sequence">, keyGroups = KEY_GROUPS): StateEngine {
    const { environment, blobStore, tuning } = this;
    return openEngine({ environment, blobStore, from, keyGroups, tuning });
  }

  async run(step: Command): Promise<void> {
    const { engine } = this;
    switch (step.kind) {
      case "put":
      case "append":
      case "add":
      case "setCount":
      case "delete":
      case "deleteRange":
        return this.write(step);
      case "batch":
        return this.writeBatch(step.writes);
      case "advanceTime":
        this.time += step.by;
        engine.advanceTime(this.time);
        return;
      case "scanPrefix":
        return this.scanPrefix(step);
      case "get": {
        const found = await engine.get(step.key);
        const name = hex(step.key);
        assert.equal(found && alive(name, hex(found), this.time), this.valueOf(name));
        return;
      }
      case "scan":
        return this.scan(step);
      case "fetch":
        return this.fetch(step);
      case "maintain":
        for (let round = 0; round < step.times; round++) await engine.maintain();
        return;
      default:
        return this.runLifecycle(step);
    }
  }

  write(step: WriteCommand): void {
    const { model, target } = this;
    switch (step.kind) {
      case "put":
        return this.put(step.key, step.value, this.time + step.lifetime);
      case "append":
        return this.append(step);
      case "add":
        return this.add(step.key, step.delta, step.isFast);
      case "setCount":
        return this.put(step.key, encodeInt64(step.delta), Infinity);
      case "delete":
        target.delete(step.key, 0, step.key.length);
        model.delete(hex(step.key));
        return;
      case "deleteRange":
        target.deleteRange(step.from, step.to);
        for (const name of model.keys()) {
          if (name >= hex(step.from) && name < hex(step.to)) model.delete(name);
        }
        return;
      default:
    }
  }

  /** What single writes go to. */
  get target(): SingleWrites {
    return this.batch ?? this.engine;
  }

  async writeBatch(steps: readonly WriteCommand[]): Promise<void> {
    const batch = new BatchRecorder();
    this.batch = batch;
    for (const step of steps) this.write(step);
    this.batch = undefined;
    await this.engine.admit(batchBytes(batch.writes));
    const { sequence } = this.engine;
    this.engine.write(batch.writes);
    assert.equal(this.engine.sequence, sequence + batch.sequences);
  }

  put(key: Uint8Array, value: Uint8Array, expiresAt: number): void {
    this.target.put(key, 0, key.length, value, 0, value.length, expiresAt);
    this.model.set(hex(key), { value: hex(value), expiresAt });
  }

  append({ key, element, lifetime, isPut }: Extract<Command, { kind: "append" }>): void {
    const expiresAt = this.time + lifetime;
    const operand = new Uint8Array(ELEMENT_BYTES).fill(element);
    new DataView(operand.buffer).setFloat64(0, expiresAt);
    if (isPut) return this.put(key, operand, expiresAt);
    this.target.merge(key, 0, key.length, operand, 0, operand.length, expiresAt);
    const found = this.model.get(hex(key)) ?? { value: "", expiresAt: 0 };
    this.model.set(hex(key), {
      value: found.value + hex(operand),
      expiresAt: Math.max(found.expiresAt, expiresAt),
    });
  }

  /** Undefined when it never was, was deleted or has expired. */
  valueOf(name: string): string | undefined {
    const found = this.model.get(name);
    return found !== undefined && found.expiresAt > this.time
      ? alive(name, found.value, this.time)
      : undefined;
  }

  add(key: Uint8Array, delta: number, isFast: boolean): void {
    if (isFast) {
      this.target.mergeInt64(key, 0, key.length, stateKeyHash(key, 0, key.length), delta);
    } else {
      const operand = encodeInt64(delta);
      this.target.merge(key, 0, key.length, operand, 0, operand.length);
    }
    const name = hex(key);
    const before = this.valueOf(name);
    const sum = (before === undefined ? 0n : signed(bytesOf(before))) + BigInt(delta);
    this.model.set(name, { value: hex(encodeInt64(sum)), expiresAt: Infinity });
  }

  async scan(step: Extract<Command, { kind: "scan" }>): Promise<void> {
    const { reverse, limit } = step;
    const options = { start: step.from, end: step.to, reverse, limit };
    const resident = this.engine.scanResident(options);
    const page = await this.engine.scan(options);
    if (resident !== undefined) assert.deepEqual(resident, page);
    const inRange = sorted(this.model, this.time).filter(
      ([name]) => name >= hex(step.from) && name < hex(step.to),
    );
    const wanted = (step.reverse ? inRange.reverse() : inRange).slice(0, step.limit);
    assert.deepEqual(named(page, this.time), wanted);
  }

  /** Several reads are made resident together; each of them is then synchronous. */
  async fetch({ keys, ranges }: Extract<Command, { kind: "fetch" }>): Promise<void> {
    const { engine } = this;
    const reads = [...keys, ...ranges.map((range) => ({ ...range, limit: Infinity }))];
    const count = await engine.fetch(reads);
    assert.ok(count === reads.length, `${count} of ${reads.length} reads are resident`);
    for (const key of keys) {
      const found = engine.lookup(key, 0, key.length);
      assert.ok(found !== "notResident");
      const value = found === "missing" ? undefined : alive(hex(key), hex(found), this.time);
      assert.equal(value, this.valueOf(hex(key)));
    }
    for (const range of ranges) {
      const page = engine.scanResident(range);
      assert.ok(page !== undefined, "a range that was fetched is resident");
      const wanted = sorted(this.model, this.time).filter(
        ([name]) => name >= hex(range.start) && name < hex(range.end),
      );
      assert.deepEqual(named(page, this.time), wanted);
    }
  }

  async scanPrefix(step: Extract<Command, { kind: "scanPrefix" }>): Promise<void> {
    const prefix = step.key.slice(0, Math.min(step.length, step.key.length));
    const page = await this.engine.scan({
      start: prefix,
      end: prefixEnd(prefix),
      reverse: step.reverse,
    });
    const wanted = sorted(this.model, this.time).filter(([name]) => name.startsWith(hex(prefix)));
    assert.deepEqual(named(page, this.time), step.reverse ? wanted.reverse() : wanted);
  }

  async runLifecycle(step: Command): Promise<void> {
    const { engine, model } = this;
    switch (step.kind) {
      case "snapshot":
        this.snapshot?.taken.release();
        this.snapshot = {
          taken: engine.snapshot(),
          entries: sorted(model, this.time),
          time: this.time,
        };
        return;
      case "readSnapshot":
        if (this.snapshot === undefined) return;
        assert.deepEqual(
          await readAll(engine, this.snapshot.time, this.snapshot.taken),
          this.snapshot.entries,
        );
        return;
      case "freeze":
        if (this.frozen) engine.discard(this.frozen.state);
        this.frozen = { state: engine.freeze(), model: new Map(model), time: this.time };
        return;
      case "persist":
        await this.persist(step);
        if (step.confirm) await this.checkCompleted();
        return;
      case "discard":
        if (this.frozen) engine.discard(this.frozen.state);
        this.frozen = undefined;
        return;
      case "stall":
        await engine.admit(this.environment.memory.limitBytes);
        return;
      case "restore":
        return this.restore(step.split);
      case "interrupt":
        for (let time = 0; time < step.times; time++) await this.interrupt();
        return;
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

  /** The completed checkpoint, found through its manifests and read without the engine. */
  async checkCompleted(): Promise<void> {
    if (this.completed === undefined) return;
    const { persisted, model, time } = this.completed;
    const tables = await this.chain.complete(persisted, time);
    // What is restored is what the chain comes to.
    this.completed.persisted = { ...persisted, tables };
    const names = [...model.keys(), "0003000162"];
    const { environment, blobStore } = this;
    const keys = names.map(bytesOf);
    const content = await readCheckpoint(environment, blobStore, tables, time, keys);
    const wanted = sorted(model, time);
    assert.deepEqual(named({ entries: content.forward }, time), wanted);
    assert.deepEqual(named({ entries: content.reverse }, time), wanted.toReversed());
    const values = new Map(wanted);
    for (const [index, name] of names.entries()) {
      const found = content.values[index];
      assert.equal(found && alive(name, hex(found), time), values.get(name));
    }
  }

  /** Loses the memory as soon as a compaction has finished a table and a checkpoint has it. False: none had anything left to do. */
  async interrupt(): Promise<boolean> {
    const { engine } = this;
    const before = engine.statistics().operations.compactedBytes;
    while (await engine.maintain()) {
      if (engine.statistics().operations.compactedBytes > before) break;
    }
    const isOver = engine.statistics().operations.compactedBytes === before;
    if (this.frozen) engine.discard(this.frozen.state);
    // Only what was written makes a checkpoint.
    this.put(stateKey(7, PLAIN_STATE, Uint8Array.of(0xfe)), Uint8Array.of(1), Infinity);
    this.frozen = { state: engine.freeze(), model: new Map(this.model), time: this.time };
    const inlineLimitBytes = 0;
    await this.persist({ kind: "persist", mode: "incremental", inlineLimitBytes, confirm: true });
    await this.restore(false);
    return !isOver;
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
    assert.deepEqual(await readAll(this.engine, this.time), sorted(this.model, this.time));
    for (const name of this.model.keys()) {
      const found = await this.engine.get(bytesOf(name));
      assert.equal(found && alive(name, hex(found), this.time), this.valueOf(name));
    }
  }
}

async function readAll(
  engine: StateEngine,
  time: number,
  snapshot?: ReturnType<StateEngine["snapshot"]>,
): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  let next: { start?: Uint8Array; end?: Uint8Array } | undefined = {};
  while (next !== undefined) {
    const page = await engine.scan({ ...next, limit: 7, ...(snapshot && { snapshot }) });
    entries.push(...named(page, time));
    next = page.next;
  }
  return entries;
}
