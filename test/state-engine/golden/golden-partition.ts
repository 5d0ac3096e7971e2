/**
 * One partition of the golden job: an engine, and beside it a plain map that is told the same and
 * remembers what each checkpoint must hold.
 */
import { encodeInt64, stateKey, stateKeyPrefix, stateSubKey } from "../../../state-engine/index.ts";
import type { PartitionTables, StateEngine } from "../../../state-engine/index.ts";
import type { KeyGroupRange } from "../../../state-engine/version/table-reference.ts";
import { COUNT_STATE, PLAIN_STATE } from "../engine-fixture.ts";

const MAP_STATE = 3;
const KEYS = 60;
const text = new TextEncoder();

interface ModelValue {
  readonly value: Uint8Array;
  readonly expiresAt: number;
}

type Contents = readonly (readonly [key: string, value: string])[];

/** What each partition holds in each checkpoint, by `index/id`. */
const remembered = new Map<string, Contents>();

export class GoldenPartition {
  readonly #engine: StateEngine;
  readonly #index: number;
  readonly #keyGroups: KeyGroupRange;
  readonly #model = new Map<string, ModelValue>();
  readonly #counts = new Map<string, number>();
  #time = 0;
  #checkpoint = 0;

  constructor(
    engine: StateEngine,
    partition: { readonly index: number; readonly keyGroups: KeyGroupRange },
  ) {
    this.#engine = engine;
    this.#index = partition.index;
    this.#keyGroups = partition.keyGroups;
  }

  static contents(index: number, id: number): Contents {
    return remembered.get(`${index}/${id}`)!;
  }

  /** Values, counters, map entries; some of them expire. */
  fill(): void {
    for (let number = 0; number < KEYS; number++) {
      const expiresAt = number % 5 === 0 ? 1_000 + number * 100 : Infinity;
      this.#put(this.#plainKey(number), `first value of ${number}`, expiresAt);
      this.#add(number, number * 1_000);
    }
    const prefix = stateKeyPrefix(this.#keyGroups.last, MAP_STATE, Uint8Array.of(0x61, 0, 0xff));
    for (let number = 0; number < 10; number++) {
      this.#put(stateSubKey(prefix, Uint8Array.of(number)), "m".repeat(number), Infinity);
    }
  }

  /** New values, deletions, operands, deleted ranges, and time that goes on. */
  change(): void {
    this.#deleteRange(this.#plainKey(10), this.#plainKey(20));
    for (let number = 0; number < KEYS; number += 3) {
      const key = this.#plainKey(number);
      if (number % 2 === 0) this.#delete(key);
      else this.#put(key, `second value of ${number}`, 2_000 + number * 100);
      this.#add(number, -number - 2 ** 40);
    }
    this.#time = 4_500;
    this.#engine.advanceTime(this.#time);
  }

  /** Merges everything into the bottom. */
  async rewrite(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      this.#put(this.#plainKey(round), `value of round ${round}`, Infinity);
      this.#engine.discard(this.#engine.freeze());
      while (await this.#engine.maintain());
    }
  }

  async persist(inlineLimitBytes: number): Promise<PartitionTables> {
    const mode = "incremental";
    const state = await this.#engine.persist(this.#engine.freeze(), { mode, inlineLimitBytes });
    this.#engine.confirm(state);
    this.#checkpoint++;
    // Checkpoint 3 only moves tables: it holds what 2 does.
    if (this.#checkpoint === 3) this.#checkpoint++;
    for (const id of this.#checkpoint === 2 ? [2, 3] : [this.#checkpoint]) this.#remember(id);
    return {
      vertex: "counts",
      index: this.#index,
      keyGroups: this.#keyGroups,
      tables: state.tables,
      sequence: state.sequence,
      time: this.#time,
      watermarks: { 0: -1, 1: 17 },
    };
  }

  #remember(id: number): void {
    const live = [...this.#model].filter(([, { expiresAt }]) => expiresAt > this.#time);
    const contents = live.map(([key, { value }]) => [key, hex(value)] as const);
    remembered.set(
      `${this.#index}/${id}`,
      contents.sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  }

  #plainKey(number: number): Uint8Array {
    const name = text.encode(`customer/profile/${String(number).padStart(6, "0")}`);
    return stateKey(this.#keyGroups.first, PLAIN_STATE, name);
  }

  #put(key: Uint8Array, words: string, expiresAt: number): void {
    const value = text.encode(words);
    this.#engine.put(key, 0, key.length, value, 0, value.length, expiresAt);
    this.#model.set(hex(key), { value, expiresAt });
  }

  #add(number: number, delta: number): void {
    const key = stateKey(this.#keyGroups.last, COUNT_STATE, text.encode(`count-${number}`));
    const operand = encodeInt64(delta);
    this.#engine.merge(key, 0, key.length, operand, 0, operand.length);
    const sum = (this.#counts.get(hex(key)) ?? 0) + delta;
    this.#counts.set(hex(key), sum);
    this.#model.set(hex(key), { value: encodeInt64(sum), expiresAt: Infinity });
  }

  #delete(key: Uint8Array): void {
    this.#engine.delete(key, 0, key.length);
    this.#model.delete(hex(key));
  }

  #deleteRange(start: Uint8Array, end: Uint8Array): void {
    this.#engine.deleteRange(start, end);
    for (const key of this.#model.keys()) {
      if (key >= hex(start) && key < hex(end)) this.#model.delete(key);
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
