/**
 * A stored entry of a state as people read it: its key, window and map key taken apart, deadlines
 * taken off, value as JSON text.
 *
 * Promise: what has expired by the time the state stands at is not there. (What expires by processing
 * time the store hides itself, but for the elements of a list.)
 */
import {
  STATE_KEY_HEADER_BYTES,
  decodeInt64,
  splitStateSubKey,
  stateKey,
  stateKeyPrefix,
  stateSubKey,
} from "../../state-engine/index.ts";
import { keyCodecs, type KeyType } from "../../state-engine/state/key-codec.ts";
import { toJsonText } from "../json-text.ts";
import { listElements } from "../state/list-elements.ts";
import { TIMESTAMP_BYTES, readTimestamp } from "../time/timestamp.ts";
import { WINDOW_BYTES, decodeWindow, encodeWindow } from "../windows/window.ts";
import { hasSubKeys, type KeyedState } from "./keyed-states.ts";

/** Where the state stands: what expires by. */
export interface StateTime {
  /** Milliseconds since the epoch. */
  readonly processing: number;
  /** The watermark by which state expires; -Infinity while there is none. */
  readonly event: number;
}

/** All JSON texts. */
export interface JsonEntry {
  readonly key: string;
  /** Of contents of a window: `{"start","end"}`, ms since the epoch, null where the window has no bound. */
  readonly window?: string;
  /** Of an entry of a map. */
  readonly mapKey?: string;
  /** Of an element of a list that is read by itself. */
  readonly index?: string;
  /** Absent for a list that takes more than a page: its elements are read by its key. */
  readonly value?: string;
}

export interface SplitKey {
  readonly key: Uint8Array;
  readonly window?: Uint8Array;
  readonly mapKey?: Uint8Array;
}

/** Takes a stored key apart. */
export function splitStoredKey(state: KeyedState, storedKey: Uint8Array): SplitKey {
  if (!hasSubKeys(state)) return { key: storedKey.subarray(STATE_KEY_HEADER_BYTES) };
  const { key, subKey } = splitStateSubKey(storedKey);
  if (state.kind === "broadcast") return { key: subKey };
  return state.kind === "window" ? { key, window: subKey } : { key, mapKey: subKey };
}

/** The stored key of an entry; of all entries of `key` the common beginning. */
export function storedKeyOf(
  state: KeyedState,
  keyGroup: number,
  key: Uint8Array,
  subKey: Uint8Array = new Uint8Array(),
): Uint8Array {
  if (!hasSubKeys(state)) return stateKey(keyGroup, state.id, key);
  if (state.kind === "broadcast") {
    return stateSubKey(stateKeyPrefix(keyGroup, state.id, new Uint8Array()), key);
  }
  return stateSubKey(stateKeyPrefix(keyGroup, state.id, key), subKey);
}

/** The stored key of an entry that was answered. */
export function storedKeyOfEntry(
  state: KeyedState,
  keyGroup: number,
  { key, window, mapKey }: JsonEntry,
): Uint8Array {
  const keyBytes = encodeKey(state.keyType, JSON.parse(key));
  if (mapKey !== undefined) {
    return storedKeyOf(state, keyGroup, keyBytes, encodeKey(state.mapKeyType!, JSON.parse(mapKey)));
  }
  if (window === undefined) return storedKeyOf(state, keyGroup, keyBytes);
  const { start, end } = JSON.parse(window) as { start: number | null; end: number | null };
  const bytes = encodeWindow({ start: start ?? -Infinity, end: end ?? Infinity });
  return storedKeyOf(state, keyGroup, keyBytes, bytes);
}

export function encodeKey(keyType: KeyType, key: unknown): Uint8Array {
  const codec = keyCodecs[keyType];
  const bytes = new Uint8Array(codec.maxSize(key));
  return bytes.slice(0, codec.write(key, bytes, 0));
}

/** A stored key as a JSON text. */
export function keyToJson(keyType: KeyType, key: Uint8Array): string {
  return JSON.stringify(keyCodecs[keyType].read(key));
}

/** What the key of an entry says, as JSON texts. */
export function namesOf(state: KeyedState, storedKey: Uint8Array): Omit<JsonEntry, "value"> {
  const { key, window, mapKey } = splitStoredKey(state, storedKey);
  return {
    key: keyToJson(state.keyType, key),
    ...(window !== undefined && { window: windowToJson(window) }),
    ...(mapKey !== undefined && { mapKey: keyToJson(state.mapKeyType!, mapKey) }),
  };
}

/** The value without its deadline; undefined when it has expired. A list is as it is stored. */
export function aliveValue(
  state: KeyedState,
  stored: Uint8Array,
  time: StateTime,
): Uint8Array | undefined {
  if (state.ttl !== "event" || state.isList) return stored;
  return readTimestamp(stored, 0) <= time.event ? undefined : stored.subarray(TIMESTAMP_BYTES);
}

export interface ListElement {
  /** Its place among all that are stored at the moment, expired ones too. */
  readonly index: number;
  /** Infinity when it does not expire. */
  readonly deadline: number;
  /** What valueToJson shows. */
  readonly bytes: Uint8Array;
}

/** The elements of a stored list that have not expired, in order. */
export function* elementsOf(
  state: KeyedState,
  stored: Uint8Array,
  time: StateTime,
): Generator<ListElement, void, undefined> {
  const now = state.ttl === "event" ? time.event : time.processing;
  let index = 0;
  for (const { deadline, bytes } of listElements(stored, state.ttl !== undefined)) {
    if (deadline > now) yield { index, deadline, bytes };
    index++;
  }
}

/** A value, or one element of a list, as a JSON text; integers exact, however large. */
export function valueToJson({ decode }: KeyedState, value: Uint8Array): string {
  if (decode === undefined) return decodeInt64(value).toString();
  return toJsonText(decode(value) ?? null);
}

function windowToJson(bytes: Uint8Array): string {
  if (bytes.length !== WINDOW_BYTES) {
    throw new RangeError(`A window takes ${WINDOW_BYTES} bytes, these are ${bytes.length}.`);
  }
  const { start, end } = decodeWindow(bytes);
  // JSON.stringify writes null for what is infinite.
  return JSON.stringify({ start, end });
}
