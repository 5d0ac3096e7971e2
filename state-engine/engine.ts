/**
 * StateEngine: the state of one partition. Writes go to memory; reads are synchronous when the blocks
 * they need are resident; a checkpoint freezes in O(1) and persists aside. There is no log here:
 * what was not persisted comes back by replay.
 */
import type {
  EngineStatistics,
  FrozenState,
  Lookup,
  PersistedState,
  PersistOptions,
  ScanOptions,
  ScanPage,
  Snapshot,
} from "./engine-types.ts";
import type { MemoryMember } from "./environment.ts";
import type { EngineOptions } from "./options.ts";

/** A key is at least 4 bytes: key group and state id, both big-endian u16 (state/state-key.ts). */
export class StateEngine implements MemoryMember {
  private constructor(_options: EngineOptions) {}

  /** Synchronous and without I/O: tables are opened when first read [35]. */
  static open(options: EngineOptions): StateEngine {
    return new StateEngine(options);
  }

  /** `expiresAt`: milliseconds of the engine's time at which the entry stops to exist; Infinity for never. */
  put(
    _key: Uint8Array,
    _keyOffset: number,
    _keyLength: number,
    _value: Uint8Array,
    _valueOffset: number,
    _valueLength: number,
    _expiresAt = Infinity,
  ): void {
    throw new Error("to follow");
  }
  delete(_key: Uint8Array, _keyOffset: number, _keyLength: number): void {
    throw new Error("to follow");
  }
  /** Adds an operand for the state's merge operator. */
  merge(
    _key: Uint8Array,
    _keyOffset: number,
    _keyLength: number,
    _operand: Uint8Array,
    _operandOffset: number,
    _operandLength: number,
    _expiresAt = Infinity,
  ): void {
    throw new Error("to follow");
  }
  /**
   * merge() of a 64-bit addition, for a state whose operator is int64Addition; `delta` is a safe integer.
   * `hash` is hash32 of the key's bytes after the first four. About 50 ns, no allocation.
   */
  mergeInt64(
    _bytes: Uint8Array,
    _keyOffset: number,
    _keyLength: number,
    _hash: number,
    _delta: number,
  ): void {
    throw new Error("to follow");
  }
  /** Deletes from `start` (included) to `end` (excluded), as far as this engine owns it. */
  deleteRange(_start: Uint8Array, _end: Uint8Array): void {
    throw new Error("to follow");
  }
  /** The time TTL goes by; it never goes back. */
  advanceTime(_time: number): void {
    throw new Error("to follow");
  }

  /** Call before applying a batch of about `bytes`: undefined means go on, a promise must be awaited first. */
  admit(_bytes: number): Promise<void> | undefined {
    throw new Error("to follow");
  }

  lookup(_key: Uint8Array, _keyOffset: number, _keyLength: number): Lookup {
    throw new Error("to follow");
  }
  /**
   * Makes resident what lookups of these keys need, and answers for how many of them, from the first,
   * that is so: fewer than given when all together would not fit. At least 1 for a non-empty list.
   */
  fetch(_keys: readonly Uint8Array[]): Promise<number> {
    throw new Error("to follow");
  }
  /** A fresh array, or undefined when there is no value. */
  get(_key: Uint8Array): Promise<Uint8Array | undefined> {
    throw new Error("to follow");
  }
  /** One page, consistent in itself; give a snapshot to make all pages consistent. */
  scan(_options: ScanOptions): Promise<ScanPage> {
    throw new Error("to follow");
  }
  snapshot(): Snapshot {
    throw new Error("to follow");
  }

  /** The state at this moment, for a checkpoint. O(1), synchronous. */
  freeze(): FrozenState {
    throw new Error("to follow");
  }
  /** Flushes and uploads what the frozen state has and no confirmed checkpoint holds. One at a time. */
  persist(_frozen: FrozenState, _options: PersistOptions): Promise<PersistedState> {
    throw new Error("to follow");
  }
  /** Gives up a frozen state that will not be persisted (or whose persist failed). */
  discard(_frozen: FrozenState): void {
    throw new Error("to follow");
  }
  /** The coordinator completed the checkpoint that acknowledged this: its objects may be built upon from now on. */
  confirm(_persisted: Pick<PersistedState, "tables" | "sequence">): void {
    throw new Error("to follow");
  }

  /** One bounded slice of background work; true when there is more. Not on the barrier's path. */
  maintain(): Promise<boolean> {
    throw new Error("to follow");
  }

  /** Sequence of the last write. Equal to a persisted state's: nothing was written since. */
  get sequence(): number {
    throw new Error("to follow");
  }
  get usedBytes(): number {
    throw new Error("to follow");
  }
  statistics(): EngineStatistics {
    throw new Error("to follow");
  }
  close(): void {
    throw new Error("to follow");
  }
}
