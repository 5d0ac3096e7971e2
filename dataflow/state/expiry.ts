/**
 * When the values of one state stop to exist. Processing time is the store's own business: it is told
 * a deadline and hides and drops what is past it. Event time the store does not know: the deadline
 * stands in front of the value, and an internal timer removes what nobody reads any more.
 */
import { TIMESTAMP_BYTES, readTimestamp, writeTimestamp } from "../time/timestamp.ts";
import type { StateAccess } from "./state-access.ts";
import type { StateTtl } from "./state-descriptor.ts";

/** Removals of one key are gathered: an expired value is removed at most ttl / 8 late. */
const REMOVALS_PER_TTL = 8;

export class Expiry {
  readonly #access: StateAccess;
  readonly #stateId: number;
  readonly #ttl: StateTtl | undefined;
  readonly #inEventTime: boolean;
  /** Reading starts the time anew. */
  readonly renewsOnRead: boolean;

  constructor(access: StateAccess, stateId: number, ttl: StateTtl | undefined) {
    this.#access = access;
    this.#stateId = stateId;
    this.#ttl = ttl;
    this.#inEventTime = ttl?.time === "event";
    this.renewsOnRead = ttl?.update === "onReadAndWrite";
  }

  get exists(): boolean {
    return this.#ttl !== undefined;
  }

  /** The deadline of something written now. Infinity without TTL, and before there is any time. */
  deadline(): number {
    const ttl = this.#ttl;
    if (ttl === undefined) return Infinity;
    const { timestamp, expiryTime, processingTime } = this.#access;
    const now = this.#inEventTime ? Math.max(expiryTime, timestamp ?? -Infinity) : processingTime;
    return now === -Infinity ? Infinity : now + ttl.ttlMs;
  }

  /** The part of a deadline that the store enforces. */
  storeDeadline(deadline: number): number {
    return this.#inEventTime ? Infinity : deadline;
  }

  isExpired(deadline: number): boolean {
    const { expiryTime, processingTime } = this.#access;
    return deadline <= (this.#inEventTime ? expiryTime : processingTime);
  }

  /** Puts the deadline in front of a value, where it must be, and sees to its removal. */
  wrap(value: Uint8Array, deadline: number): Uint8Array {
    if (!this.#inEventTime) return value;
    this.scheduleRemoval(deadline);
    const bytes = new Uint8Array(TIMESTAMP_BYTES + value.length);
    writeTimestamp(deadline, bytes, 0);
    bytes.set(value, TIMESTAMP_BYTES);
    return bytes;
  }

  /** The value, or undefined when it has expired. */
  unwrap(bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#inEventTime) return bytes;
    return this.isExpired(readTimestamp(bytes, 0)) ? undefined : bytes.subarray(TIMESTAMP_BYTES);
  }

  /** An internal timer for values the store cannot expire by itself. */
  scheduleRemoval(deadline: number): void {
    if (!this.#inEventTime || deadline === Infinity) return;
    const step = Math.max(1, Math.floor(this.#ttl!.ttlMs / REMOVALS_PER_TTL));
    this.#access.scheduleExpiry(this.#stateId, Math.ceil(deadline / step) * step);
  }
}
