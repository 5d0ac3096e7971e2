/** Puts a page of entries together: so many, or 4 MiB of JSON, whichever comes first [41]. */
import type { JsonEntry } from "./stored-entry.ts";

export interface StatePage {
  readonly entries: readonly JsonEntry[];
  readonly next?: string;
}

/** Most bytes of JSON in one page; the answer's own shape comes on top. */
export const PAGE_BYTES = 4 * 1024 * 1024 - 64 * 1024;
/** Per entry: the names and marks around key and value. */
const ENTRY_OVERHEAD_BYTES = 80;

export class PageBuilder {
  readonly #limit: number;
  readonly #entries: JsonEntry[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the entry belongs to the next page. The first entry always fits. */
  add(entry: JsonEntry): boolean {
    const size = jsonSizeOf(entry);
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

/** Bytes of an entry in an answer, at most. */
export function jsonSizeOf({ key, value, window, mapKey, index }: JsonEntry): number {
  const lengths = [key, value, window, mapKey, index].map((text) => text?.length ?? 0);
  return ENTRY_OVERHEAD_BYTES + 3 * lengths.reduce((sum, length) => sum + length, 0);
}
