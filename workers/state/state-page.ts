/**
 * One key, or one page of entries, over all partitions of a vertex.
 *
 * Promise: a page is complete before anything of it is sent [21], ends at `limit` entries or 4 MiB,
 * and its cursor names a place in the order, not in a partition: it stays good when the job is rescaled.
 */
import { keyGroupRangeOf, partitionOfKeyGroup } from "../../dataflow/key-group.ts";
import type { KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import { decodeCursor, encodeCursor } from "../../dataflow/keyed/scan-cursor.ts";
import type { ReadAnswer, ScanAnswer, StateEntry } from "../../durable-objects/messages.ts";
import { keyGroupOf, stateKey } from "../../state-engine/index.ts";
import { encodeJsonKey, keyGroupOfKey } from "./keys.ts";
import { mergeByValue } from "./merge-by-value.ts";
import type { RankedPage } from "./merge-by-value.ts";
import type { StateReads } from "./state-reads.ts";

export interface PageRequest {
  readonly state: KeyedState;
  readonly prefix: string;
  readonly limit: number;
  /** Checked: decodeCursor accepts it for this order. */
  readonly cursor?: string;
  readonly order: "key" | "valueDescending";
}

export interface StatePage {
  readonly entries: readonly StateEntry[];
  readonly next?: string;
}

export type Refused = Exclude<ScanAnswer, { kind: "page" }>;
export type PageResult = ({ readonly kind: "page" } & StatePage) | Refused;

export const PAGE_LIMIT_BYTES = 4 * 1024 * 1024;

export async function readKey(
  reads: StateReads,
  state: KeyedState,
  key: Uint8Array,
): Promise<ReadAnswer> {
  const keyGroup = keyGroupOfKey(key, reads.maxParallelism);
  const partition = partitionOfKeyGroup(keyGroup, reads.parallelism, reads.maxParallelism);
  return await reads.read(partition, { state: state.name, keyGroup, key });
}

export async function readPage(reads: StateReads, request: PageRequest): Promise<PageResult> {
  return request.order === "key"
    ? await readPageByKey(reads, request)
    : await readPageByValue(reads, request);
}

/** Partition after partition: their key groups ascend. */
async function readPageByKey(reads: StateReads, request: PageRequest): Promise<PageResult> {
  const { state, limit } = request;
  const entries: StateEntry[] = [];
  let bytes = 0;
  let cursor = request.cursor;
  for (let partition = firstPartition(reads, cursor); partition < reads.parallelism;) {
    if (entries.length === limit) {
      return { kind: "page", entries, next: cursor ?? beginOf(partition, reads, state) };
    }
    const answer = await reads.scan(partition, {
      state: state.name,
      prefix: request.prefix,
      limit: limit - entries.length,
      order: "key",
      ...(cursor !== undefined && { cursor }),
    });
    if (answer.kind !== "page") return answer;
    for (const entry of answer.entries) {
      bytes += sizeOf(entry);
      if (bytes > PAGE_LIMIT_BYTES && entries.length > 0) {
        return { kind: "page", entries, next: cursorAt(entry, reads, state) };
      }
      entries.push(entry);
    }
    cursor = answer.next;
    if (cursor === undefined) partition++;
  }
  return { kind: "page", entries };
}

/** All partitions at once; each answers what comes after the cursor in the common order. */
async function readPageByValue(reads: StateReads, request: PageRequest): Promise<PageResult> {
  const { state, prefix, limit, cursor } = request;
  const indexes = Array.from({ length: reads.parallelism }, (_, index) => index);
  const answers = await Promise.all(
    indexes.map((index) =>
      reads.scan(index, {
        state: state.name,
        prefix,
        limit,
        order: "valueDescending",
        ...(cursor !== undefined && { cursor }),
      }),
    ),
  );
  const pages: RankedPage[] = [];
  for (const answer of answers) {
    if (answer.kind !== "page") return answer;
    const ranked = answer.entries.map((entry) => ({
      entry,
      value: BigInt(entry.value),
      key: encodeJsonKey(state.keyType, entry.key),
      bytes: sizeOf(entry),
    }));
    pages.push({ entries: ranked, hasNext: answer.next !== undefined });
  }
  const { taken, hasMore } = mergeByValue(pages, { limit, limitBytes: PAGE_LIMIT_BYTES });
  const entries = taken.map(({ entry }) => entry);
  const last = taken.at(-1);
  if (!hasMore || last === undefined) return { kind: "page", entries };
  const { value, key } = last;
  return { kind: "page", entries, next: encodeCursor({ order: "valueDescending", value, key }) };
}

/** Bytes of an entry in the answer, at most. */
function sizeOf(entry: StateEntry): number {
  return 24 + 3 * (entry.key.length + entry.value.length);
}

function firstPartition(reads: StateReads, cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const keyGroup = keyGroupOf(decodeCursor(cursor, "key").stateKey);
  return partitionOfKeyGroup(keyGroup, reads.parallelism, reads.maxParallelism);
}

function beginOf(partition: number, reads: StateReads, state: KeyedState): string {
  const { first } = keyGroupRangeOf(partition, reads.parallelism, reads.maxParallelism);
  return encodeCursor({ order: "key", stateKey: stateKey(first, state.id, new Uint8Array()) });
}

function cursorAt(entry: StateEntry, reads: StateReads, state: KeyedState): string {
  const key = encodeJsonKey(state.keyType, entry.key);
  const keyGroup = keyGroupOfKey(key, reads.maxParallelism);
  return encodeCursor({ order: "key", stateKey: stateKey(keyGroup, state.id, key) });
}
