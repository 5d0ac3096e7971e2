/**
 * Reads of keyed state for people: one key, pages in order of key, pages from the largest value down.
 * Works on whatever holds the entries, so that the live state of a partition and a checkpoint read
 * from storage answer alike.
 *
 * Promise: a page ends at `limit` entries or 4 MiB of JSON, whichever comes first, and says where the
 * next one begins [41]. Following the cursors gives every entry that is there all the time exactly once.
 */
import {
  STATE_KEY_HEADER_BYTES,
  keyGroupOf,
  prefixEnd,
  stateKey,
  type ScanOptions,
  type ScanPage,
} from "../../state-engine/index.ts";
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { utf8MaxSize, writeUtf8 } from "../../state-engine/bytes/utf8.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { keyToJson, valueToJson, type KeyedState } from "./keyed-states.ts";
import { decodeCursor, encodeCursor } from "./scan-cursor.ts";
import { LargestValues } from "./largest-values.ts";

/** What holds the entries: an engine, a snapshot of one, or a checkpoint opened read-only. */
export interface StateView {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  scan(options: ScanOptions): Promise<ScanPage>;
}

export interface StateScan {
  readonly state: KeyedState;
  /** The key groups to read: those of one partition. */
  readonly keyGroups: KeyGroupRange;
  /** UTF-8 prefix of a string key, or prefix of the decimal text of an integer key; "" for all. */
  readonly prefix: string;
  /** Most entries in the page; at least 1. */
  readonly limit: number;
  /** Next-cursor of the page before, for the same order. */
  readonly cursor?: string;
}

export interface StatePage {
  readonly entries: readonly JsonEntry[];
  readonly next?: string;
}

export interface JsonEntry {
  /** JSON texts. */
  readonly key: string;
  readonly value: string;
}

/** Most bytes of JSON in one page; the answer's own shape comes on top. */
const PAGE_BYTES = 4 * 1024 * 1024 - 64 * 1024;
/** Entries read at once. */
const READ_ENTRIES = 4096;
/** Per entry: the names and marks around key and value. */
const ENTRY_OVERHEAD_BYTES = 32;

/** The value of a key as JSON text, undefined when there is none. */
export async function readValue(
  view: Pick<StateView, "get">,
  read: { readonly state: KeyedState; readonly keyGroup: number; readonly key: Uint8Array },
): Promise<string | undefined> {
  const value = await view.get(stateKey(read.keyGroup, read.state.id, read.key));
  return value === undefined ? undefined : valueToJson(read.state, value);
}

/** A page in order of key group, then key. */
export async function scanByKey(view: StateView, scan: StateScan): Promise<StatePage> {
  const begin = scan.cursor === undefined ? undefined : decodeCursor(scan.cursor, "key").stateKey;
  const page = new PageBuilder(scan.limit);
  for await (const { key: storedKey, value } of entriesOf(view, scan, begin)) {
    const entry = toJson(scan.state, storedKey, value);
    if (!page.add(entry)) {
      return page.end(encodeCursor({ order: "key", stateKey: storedKey }));
    }
  }
  return page.end();
}

/** A page from the largest value down, equal ones in order of key. Reads the whole state, keeps one page. */
export async function scanByValue(view: StateView, scan: StateScan): Promise<StatePage> {
  const after =
    scan.cursor === undefined ? undefined : decodeCursor(scan.cursor, "valueDescending");
  // One more than the page, to know whether there is a next one.
  const largest = new LargestValues(scan.limit + 1, after);
  for await (const { key: storedKey, value } of entriesOf(view, scan, undefined)) {
    largest.add(storedKey, value);
  }
  const page = new PageBuilder(scan.limit);
  let last: { value: bigint; key: Uint8Array } | undefined;
  for (const entry of largest.take()) {
    if (!page.add(toJson(scan.state, entry.stateKey, entry.bytes))) {
      return page.end(encodeCursor({ order: "valueDescending", ...last! }));
    }
    last = { value: entry.value, key: entry.key };
  }
  return page.end();
}

/** Every entry of the scan from `begin` on, read page by page. */
async function* entriesOf(view: StateView, scan: StateScan, begin: Uint8Array | undefined) {
  const { state, keyGroups, prefix } = scan;
  const isText = state.keyType === "string";
  const beginGroup = begin === undefined ? keyGroups.first : keyGroupOf(begin);
  for (let group = Math.max(keyGroups.first, beginGroup); group <= keyGroups.last; group++) {
    const bounds = stateKey(group, state.id, isText ? encodeUtf8(prefix) : new Uint8Array());
    const end = prefixEnd(bounds);
    let start = begin !== undefined && compareKeys(begin, bounds) > 0 ? begin : bounds;
    for (;;) {
      const page = await view.scan({ start, end, limit: READ_ENTRIES });
      for (const entry of page.entries) {
        if (isText || prefix === "" || keyText(state, entry.key).startsWith(prefix)) yield entry;
      }
      if (page.next === undefined || !("start" in page.next)) break;
      start = page.next.start;
    }
  }
}

class PageBuilder {
  readonly #limit: number;
  readonly #entries: JsonEntry[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the entry belongs to the next page. The first entry always fits. */
  add(entry: JsonEntry): boolean {
    const size = ENTRY_OVERHEAD_BYTES + 3 * (entry.key.length + entry.value.length);
    if (this.#entries.length >= this.#limit) return false;
    if (this.#entries.length > 0 && this.#bytes + size > PAGE_BYTES) return false;
    this.#entries.push(entry);
    this.#bytes += size;
    return true;
  }

  end(next?: string): StatePage {
    return next === undefined ? { entries: this.#entries } : { entries: this.#entries, next };
  }
}

function toJson(state: KeyedState, storedKey: Uint8Array, value: Uint8Array): JsonEntry {
  return { key: keyText(state, storedKey), value: valueToJson(state, value) };
}

function keyText(state: KeyedState, storedKey: Uint8Array): string {
  return keyToJson(state, storedKey.subarray(STATE_KEY_HEADER_BYTES));
}

function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8MaxSize(text));
  return bytes.subarray(0, writeUtf8(text, bytes, 0));
}
