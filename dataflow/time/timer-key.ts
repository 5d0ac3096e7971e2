/**
 * A timer as a state key, so that timers sort by time within a key group and are found again after a
 * restore: key group ‖ reserved state id ‖ timestamp (8 bytes) ‖ key (escaped, ended) ‖ namespace. The
 * entry's value is empty.
 */
import {
  STATE_KEY_HEADER_BYTES,
  keyGroupOf,
  splitStateSubKey,
  stateKeyPrefix,
  writeStateKeyHeader,
} from "../../state-engine/index.ts";
import { TIMESTAMP_BYTES, readTimestamp, writeTimestamp } from "./timestamp.ts";

/** State ids from here on belong to the runtime; users' states are below. */
export const FIRST_RESERVED_STATE_ID = 0xfff0;

/** The three kinds of timers and the state ids that keep them. "expiry" removes state whose event-time TTL has passed. */
export const timerStateIds = {
  expiry: 0xfffd,
  event: 0xfffe,
  processing: 0xffff,
} as const;

export type TimerDomain = keyof typeof timerStateIds;

export interface Timer {
  readonly timestamp: number;
  readonly keyGroup: number;
  readonly key: Uint8Array;
  readonly namespace: Uint8Array;
}

const TIMESTAMP_OFFSET = STATE_KEY_HEADER_BYTES;

export function timerKey(domain: TimerDomain, timer: Timer): Uint8Array {
  const { keyGroup, key, timestamp, namespace } = timer;
  const prefix = stateKeyPrefix(keyGroup, timerStateIds[domain], key);
  const escaped = prefix.subarray(STATE_KEY_HEADER_BYTES);
  const bytes = new Uint8Array(prefix.length + TIMESTAMP_BYTES + namespace.length);
  writeStateKeyHeader(bytes, 0, keyGroup, timerStateIds[domain]);
  writeTimestamp(timestamp, bytes, TIMESTAMP_OFFSET);
  bytes.set(escaped, TIMESTAMP_OFFSET + TIMESTAMP_BYTES);
  bytes.set(namespace, TIMESTAMP_OFFSET + TIMESTAMP_BYTES + escaped.length);
  return bytes;
}

export function timestampOfTimerKey(bytes: Uint8Array): number {
  return readTimestamp(bytes, TIMESTAMP_OFFSET);
}

export function parseTimerKey(bytes: Uint8Array): Timer {
  // What follows the timestamp reads like any state key once it has four bytes in front.
  const shifted = bytes.subarray(TIMESTAMP_BYTES);
  const { key, subKey } = splitStateSubKey(shifted);
  return {
    timestamp: timestampOfTimerKey(bytes),
    keyGroup: keyGroupOf(bytes),
    key,
    namespace: subKey,
  };
}
