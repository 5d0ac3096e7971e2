/**
 * The timers of one domain in the order they fire, over the store that keeps them. In memory is only
 * the head of each key group: its first timers, at most 128, and whether the store has more.
 *
 * Promise: a head is always exactly the first timers of its key group, so the earliest one is known
 * without reading; a restored queue reads nothing until time first advances. Within a key group
 * timers come in order of timestamp, then key and namespace. Registering twice is registering once.
 */
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { prefixEnd, keyGroupOf } from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type { StateOverlay } from "../state/state-overlay.ts";
import { timerStateIds, timestampOfTimerKey, type TimerDomain } from "./timer-key.ts";

const HEAD_LIMIT = 128;

interface Head {
  /** Sorted keys of the first timers. */
  readonly keys: Uint8Array[];
  /** The store may have timers after them. */
  hasMore: boolean;
}

export class TimerQueue {
  readonly #overlay: StateOverlay;
  readonly #firstKeyGroup: number;
  readonly #heads: readonly Head[];
  readonly #prefixes: readonly Uint8Array[];
  /** Of all heads; undefined when it must be worked out anew. */
  #earliest: number | undefined = undefined;
  /** Registered (true) and deleted (false) by the record at hand: applied when it is done. */
  readonly #pending: { readonly key: Uint8Array; readonly registered: boolean }[] = [];

  constructor(overlay: StateOverlay, domain: TimerDomain, keyGroups: KeyGroupRange) {
    this.#overlay = overlay;
    this.#firstKeyGroup = keyGroups.first;
    const count = keyGroups.last - keyGroups.first + 1;
    this.#heads = Array.from({ length: count }, () => ({ keys: [], hasMore: true }));
    const id = timerStateIds[domain];
    this.#prefixes = Array.from({ length: count }, (_, index) => {
      const keyGroup = keyGroups.first + index;
      return Uint8Array.of(keyGroup >> 8, keyGroup, id >> 8, id);
    });
  }

  register(key: Uint8Array): void {
    if (this.#isKnown(key)) return;
    this.#overlay.put(key, new Uint8Array(0));
    this.#pending.push({ key, registered: true });
  }

  delete(key: Uint8Array): void {
    this.#overlay.delete(key);
    this.#pending.push({ key, registered: false });
  }

  /** The record is done: its timers become part of the heads. Call before the overlay is committed or cleared. */
  commit(): void {
    for (const { key, registered } of this.#pending) {
      if (registered) this.#insert(key);
      else this.#remove(key);
    }
    this.#pending.length = 0;
  }

  clear(): void {
    this.#pending.length = 0;
  }

  /**
   * The key of the first timer not after `time`, key group by key group. Reads the store where a head
   * is used up, so it may throw notResident. Only between records.
   */
  nextDue(time: number): Uint8Array | undefined {
    if (this.earliest() > time) return undefined;
    const due = this.#heads.find(
      ({ keys }) => keys.length > 0 && timestampOfTimerKey(keys[0]!) <= time,
    );
    return due?.keys[0];
  }

  /** The keys of timers not after `time` that are known without reading, key group by key group. */
  *knownDue(time: number): Generator<Uint8Array> {
    for (const { keys } of this.#heads) {
      for (const key of keys) {
        if (timestampOfTimerKey(key) > time) break;
        yield key;
      }
    }
  }

  /** The timestamp of the earliest timer of all, or Infinity. May throw notResident. Only between records. */
  earliest(): number {
    if (this.#earliest === undefined) {
      this.#fillHeads();
      let earliest = Infinity;
      for (const { keys } of this.#heads) {
        if (keys.length > 0) earliest = Math.min(earliest, timestampOfTimerKey(keys[0]!));
      }
      this.#earliest = earliest;
    }
    return this.#earliest;
  }

  /** Reads every head that is used up, so that one fetch serves them all. */
  #fillHeads(): void {
    let missed: unknown;
    for (let index = 0; index < this.#heads.length; index++) {
      const head = this.#heads[index]!;
      if (head.keys.length > 0 || !head.hasMore) continue;
      try {
        const prefix = this.#prefixes[index]!;
        const found = this.#overlay.scan(prefix, prefixEnd(prefix), HEAD_LIMIT);
        head.hasMore = found.length === HEAD_LIMIT;
        for (const { key } of found) head.keys.push(key.slice());
      } catch (error) {
        missed = error;
      }
    }
    if (missed !== undefined) throw missed;
  }

  /** In the head already, and not deleted by the record at hand. */
  #isKnown(key: Uint8Array): boolean {
    if (this.#pending.length > 0) return false;
    const { keys } = this.#headOf(key);
    const index = indexIn(keys, key);
    return index < keys.length && compareKeys(keys[index]!, key) === 0;
  }

  #insert(key: Uint8Array): void {
    const head = this.#headOf(key);
    const index = indexIn(head.keys, key);
    const present = head.keys[index];
    if (present !== undefined && compareKeys(present, key) === 0) return;
    // Behind the last known timer there may be others before this one.
    if (index === head.keys.length && head.hasMore) return;
    head.keys.splice(index, 0, key);
    if (index === 0) this.#earliest = undefined;
    if (head.keys.length > HEAD_LIMIT) {
      head.keys.pop();
      head.hasMore = true;
    }
  }

  #remove(key: Uint8Array): void {
    const { keys } = this.#headOf(key);
    const index = indexIn(keys, key);
    const present = keys[index];
    if (present === undefined || compareKeys(present, key) !== 0) return;
    keys.splice(index, 1);
    if (index === 0) this.#earliest = undefined;
  }

  #headOf(key: Uint8Array): Head {
    const head = this.#heads[keyGroupOf(key) - this.#firstKeyGroup];
    if (head === undefined) {
      throw new Error(`A timer of key group ${keyGroupOf(key)} does not belong to this partition.`);
    }
    return head;
  }
}

/** Index of the first key not below `key`. */
function indexIn(keys: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
