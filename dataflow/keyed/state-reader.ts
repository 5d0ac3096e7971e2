/**
 * Reads of keyed state for people: one key, pages in order of key, pages from the largest value down.
 * Works on whatever holds the entries, so that the live state of a partition and a checkpoint read
 * from storage answer alike. A map, and what windows hold, has an entry per map key or window.
 *
 * Promise: a page ends at `limit` entries or 4 MiB of JSON, whichever comes first, and says where the
 * next one begins [41]. Following the cursors gives every entry that is there all the time exactly once.
 */
import {
  keyGroupOf,
  prefixEnd,
  stateKey,
  stateKeyPrefix,
  type ScanOptions,
  type ScanPage,
} from "../../state-engine/index.ts";
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { utf8MaxSize, writeUtf8 } from "../../state-engine/bytes/utf8.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { hasSubKeys, type KeyedState } from "./keyed-states.ts";
import { LargestValues } from "./largest-values.ts";
import { PAGE_BYTES, PageBuilder, type StatePage } from "./page-builder.ts";
import { decodeCursor, encodeCursor, type IndexCursor } from "./scan-cursor.ts";
import {
  aliveValue,
  elementsOf,
  keyToJson,
  namesOf,
  splitStoredKey,
  storedKeyOf,
  valueToJson,
  type JsonEntry,
  type ListElement,
  type StateTime,
} from "./stored-entry.ts";

/** What holds the entries: an engine, a snapshot of one, or a checkpoint opened read-only. */
export interface StateView {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  scan(options: ScanOptions): Promise<ScanPage>;
}

interface KeyRead {
  readonly state: KeyedState;
  readonly time: StateTime;
  readonly keyGroup: number;
  /** Encoded by the key's codec. */
  readonly key: Uint8Array;
}

interface PageOf {
  /** Most entries in the page; at least 1. */
  readonly limit: number;
  /** Next-cursor of the page before, for the same order. */
  readonly cursor?: string;
}

export interface StateScan extends PageOf {
  readonly state: KeyedState;
  readonly time: StateTime;
  /** The key groups to read: those of one partition. */
  readonly keyGroups: KeyGroupRange;
  /** UTF-8 prefix of a string key, or prefix of the decimal text of an integer key; "" for all. */
  readonly prefix: string;
}

/** Entries read at once. */
const READ_ENTRIES = 4096;

/**
 * The value of a key as JSON text: a list as an array, a map as an object, the contents of windows as
 * an array of `{"window","value"}`. Undefined when there is none. "tooLarge": a list, a map or windows
 * that take more than a page: scanKey reads them.
 */
export async function readValue(
  view: StateView,
  read: KeyRead,
): Promise<{ readonly json: string } | "tooLarge" | undefined> {
  const { state, time } = read;
  if (state.kind === "map" || state.kind === "window") return readSubKeys(view, read);
  const stored = await view.get(storedKeyOf(state, read.keyGroup, read.key));
  return stored && valueOf(state, stored, time);
}

/** A page of what one key holds: entries of a map, windows, elements of a list, or its one value. */
export async function scanKey(view: StateView, read: KeyRead & PageOf): Promise<StatePage> {
  if (read.state.isList && read.state.kind !== "window") return scanElements(view, read);
  const { state, keyGroup, key, cursor } = read;
  const prefix = storedKeyOf(state, keyGroup, key);
  const after = cursor === undefined ? undefined : decodeCursor(cursor, "key").stateKey;
  const start = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix;
  const end = hasSubKeys(state) && state.kind !== "broadcast" ? prefixEnd(prefix) : next(prefix);
  return pageOf(rangeOf(view, start, end), read);
}

/** A page in order of key group, then key, then window or map key. */
export async function scanByKey(view: StateView, scan: StateScan): Promise<StatePage> {
  const begin = scan.cursor === undefined ? undefined : decodeCursor(scan.cursor, "key").stateKey;
  return pageOf(entriesOf(view, scan, begin), scan);
}

/** A page from the largest value down, equal ones in order of key. Reads the whole state, keeps one page. */
export async function scanByValue(view: StateView, scan: StateScan): Promise<StatePage> {
  const { state, time } = scan;
  const after =
    scan.cursor === undefined ? undefined : decodeCursor(scan.cursor, "valueDescending");
  // One more than the page, to know whether there is a next one.
  const largest = new LargestValues(scan.limit + 1, after);
  for await (const { key: storedKey, value } of entriesOf(view, scan, undefined)) {
    const alive = aliveValue(state, value, time);
    if (alive !== undefined) largest.add(storedKey, alive);
  }
  const page = new PageBuilder(scan.limit);
  let last: { value: bigint; key: Uint8Array } | undefined;
  for (const entry of largest.take()) {
    const json = { ...namesOf(state, entry.stateKey), value: valueToJson(state, entry.bytes) };
    if (!page.add(json)) {
      return page.end(encodeCursor({ order: "valueDescending", ...last! }));
    }
    last = { value: entry.value, key: entry.key };
  }
  return page.end();
}

type Stored = ScanPage["entries"][number];

async function pageOf(
  entries: AsyncIterable<Stored>,
  { state, time, limit }: Pick<StateScan, "state" | "time" | "limit">,
): Promise<StatePage> {
  const page = new PageBuilder(limit);
  for await (const { key: storedKey, value } of entries) {
    const entry = entryOf(state, storedKey, value, time);
    if (entry !== undefined && !page.add(entry)) {
      return page.end(encodeCursor({ order: "key", stateKey: storedKey }));
    }
  }
  return page.end();
}

/** Every entry of the scan from `begin` on, read page by page. */
async function* entriesOf(view: StateView, scan: StateScan, begin: Uint8Array | undefined) {
  const { state, keyGroups, prefix } = scan;
  const isText = state.keyType === "string";
  const beginGroup = begin === undefined ? keyGroups.first : keyGroupOf(begin);
  // A broadcast map is stored alike under every key group.
  const last = state.kind === "broadcast" ? keyGroups.first : keyGroups.last;
  for (let group = Math.max(keyGroups.first, beginGroup); group <= last; group++) {
    const bounds = boundsOf(state, group, isText ? encodeUtf8(prefix) : new Uint8Array());
    const start = begin !== undefined && compareKeys(begin, bounds) > 0 ? begin : bounds;
    for await (const entry of rangeOf(view, start, prefixEnd(bounds))) {
      if (isText || prefix === "" || keyText(state, entry.key).startsWith(prefix)) yield entry;
    }
  }
}

async function* rangeOf(view: StateView, start: Uint8Array, end: Uint8Array) {
  for (let from = start; ;) {
    const page = await view.scan({ start: from, end, limit: READ_ENTRIES });
    yield* page.entries;
    if (page.next === undefined || !("start" in page.next)) return;
    from = page.next.start;
  }
}

/** What all stored keys begin with whose key begins with `prefix`. */
function boundsOf(state: KeyedState, keyGroup: number, prefix: Uint8Array): Uint8Array {
  if (!hasSubKeys(state)) return stateKey(keyGroup, state.id, prefix);
  if (state.kind === "broadcast") return storedKeyOf(state, keyGroup, prefix);
  // Escaped like the key, but not ended.
  return stateKeyPrefix(keyGroup, state.id, prefix).slice(0, -2);
}

async function readSubKeys(
  view: StateView,
  read: KeyRead,
): Promise<{ readonly json: string } | "tooLarge" | undefined> {
  const { entries, next: following } = await scanKey(view, { ...read, limit: Infinity });
  if (following !== undefined || entries.some(({ value }) => value === undefined)) {
    return "tooLarge";
  }
  if (entries.length === 0) return undefined;
  const json =
    read.state.kind === "map"
      ? `{${entries.map(memberOf).join(",")}}`
      : `[${entries.map(({ window, value }) => `{"window":${window!},"value":${value!}}`).join(",")}]`;
  return { json };
}

function memberOf({ mapKey, value }: JsonEntry): string {
  const name = JSON.parse(mapKey!) as string | number;
  return `${JSON.stringify(String(name))}:${value!}`;
}

async function scanElements(
  view: StateView,
  { state, keyGroup, key, time, limit, cursor }: KeyRead & PageOf,
): Promise<StatePage> {
  const page = new PageBuilder(limit);
  const stored = await view.get(storedKeyOf(state, keyGroup, key));
  if (stored === undefined) return page.end();
  const elements = (): Iterable<ListElement> => elementsOf(state, stored, time);
  const begin = cursor === undefined ? 0 : placeOf(decodeCursor(cursor, "index"), elements());
  const keyJson = keyToJson(state.keyType, key);
  for (const { index, deadline, bytes } of elements()) {
    if (index < begin) continue;
    const value = valueToJson(state, bytes);
    if (page.add({ key: keyJson, index: String(index), value })) continue;
    if (state.ttl === undefined) return page.end(encodeCursor({ order: "index", index }));
    const expiring = { deadline, ordinal: countBefore(index, deadline, elements()) };
    return page.end(encodeCursor({ order: "index", index, expiring }));
  }
  return page.end();
}

/** Where the element a cursor names is by now: what expired before it may have been removed. */
function placeOf({ index, expiring }: IndexCursor, elements: Iterable<ListElement>): number {
  if (expiring === undefined) return index;
  let before = 0;
  for (const element of elements) {
    if (element.deadline === expiring.deadline && before++ === expiring.ordinal) {
      return element.index;
    }
  }
  // It has expired, and with it what was added before it.
  return 0;
}

/** Elements with this deadline before that place. */
function countBefore(place: number, deadline: number, elements: Iterable<ListElement>): number {
  let count = 0;
  for (const element of elements) {
    if (element.index >= place) break;
    if (element.deadline === deadline) count++;
  }
  return count;
}

function entryOf(
  state: KeyedState,
  storedKey: Uint8Array,
  stored: Uint8Array,
  time: StateTime,
): JsonEntry | undefined {
  const value = valueOf(state, stored, time);
  if (value === undefined) return undefined;
  const names = namesOf(state, storedKey);
  return value === "tooLarge" ? names : { ...names, value: value.json };
}

/** "tooLarge": a list that takes more than a page. */
function valueOf(
  state: KeyedState,
  stored: Uint8Array,
  time: StateTime,
): { readonly json: string } | "tooLarge" | undefined {
  if (!state.isList) {
    const alive = aliveValue(state, stored, time);
    return alive && { json: valueToJson(state, alive) };
  }
  const texts: string[] = [];
  let bytes = 0;
  for (const element of elementsOf(state, stored, time)) {
    const value = valueToJson(state, element.bytes);
    bytes += utf8MaxSize(value) + 1;
    if (bytes > PAGE_BYTES) return "tooLarge";
    texts.push(value);
  }
  return texts.length === 0 ? undefined : { json: `[${texts.join(",")}]` };
}

function keyText(state: KeyedState, storedKey: Uint8Array): string {
  return keyToJson(state.keyType, splitStoredKey(state, storedKey).key);
}

/** The smallest key above `key`. */
function next(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(key.length + 1);
  bytes.set(key);
  return bytes;
}

function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8MaxSize(text));
  return bytes.subarray(0, writeUtf8(text, bytes, 0));
}
