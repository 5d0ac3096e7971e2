/**
 * One key, or one page of entries, over all partitions of a vertex, or of what one key holds.
 *
 * Promise: a page is complete before anything of it is sent [21], ends at `limit` entries or 4 MiB,
 * and its cursor names a place in the order, not in a partition: it stays good when the job is rescaled.
 */
import { keyGroupRangeOf, partitionOfKeyGroup } from "../../dataflow/key-group.ts";
import type { KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import { jsonSizeOf } from "../../dataflow/keyed/page-builder.ts";
import { decodeCursor, encodeCursor } from "../../dataflow/keyed/scan-cursor.ts";
import { storedKeyOfEntry } from "../../dataflow/keyed/stored-entry.ts";
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
  const keyGroup = keyGroupOfState(reads, state, key);
  return await reads.read(partitionOf(reads, keyGroup), { state: state.name, keyGroup, key });
}

/** A page of what one key holds: entries of its map, its windows, elements of its list. */
export async function readKeyPage(
  reads: StateReads,
  { state, limit, cursor }: Pick<PageRequest, "state" | "limit" | "cursor">,
  key: Uint8Array,
): Promise<PageResult> {
  const keyGroup = keyGroupOfState(reads, state, key);
  return await reads.scan(partitionOf(reads, keyGroup), {
    state: state.name,
    prefix: "",
    order: "key",
    only: { keyGroup, key },
    limit,
    ...(cursor !== undefined && { cursor }),
  });
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
  // A broadcast map is the same on every partition.
  const partitions = state.kind === "broadcast" ? 1 : reads.parallelism;
  for (let partition = firstPartition(reads, cursor); partition < partitions;) {
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
      bytes += jsonSizeOf(entry);
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
      value: BigInt(entry.value!),
      key: encodeJsonKey(state.keyType, entry.key),
      bytes: jsonSizeOf(entry),
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

function firstPartition(reads: StateReads, cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  return partitionOf(reads, keyGroupOf(decodeCursor(cursor, "key").stateKey));
}

function partitionOf({ parallelism, maxParallelism }: StateReads, keyGroup: number): number {
  return partitionOfKeyGroup(keyGroup, parallelism, maxParallelism);
}

/** Every key group has a broadcast map: the first is as good as any. */
function keyGroupOfState(
  { maxParallelism }: StateReads,
  { kind }: KeyedState,
  key: Uint8Array,
): number {
  return kind === "broadcast" ? 0 : keyGroupOfKey(key, maxParallelism);
}

function beginOf(partition: number, reads: StateReads, state: KeyedState): string {
  const { first } = keyGroupRangeOf(partition, reads.parallelism, reads.maxParallelism);
  return encodeCursor({ order: "key", stateKey: stateKey(first, state.id, new Uint8Array()) });
}

function cursorAt(entry: StateEntry, reads: StateReads, state: KeyedState): string {
  const key = encodeJsonKey(state.keyType, entry.key);
  const keyGroup = keyGroupOfState(reads, state, key);
  return encodeCursor({ order: "key", stateKey: storedKeyOfEntry(state, keyGroup, entry) });
}
