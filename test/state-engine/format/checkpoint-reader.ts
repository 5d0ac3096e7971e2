/**
 * What the partitions of a checkpoint hold, by FORMAT.md alone: manifests, their chain, and the rules by which
 * the tables of a partition make one state. Beside table-reader.ts; nothing of the engine.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { readTable } from "./table-reader.ts";
import type { ReadEntry, ReadTable } from "./table-reader.ts";

interface Reference {
  readonly id: string;
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  readonly inline?: string;
  readonly level: number;
  readonly run: number;
  readonly keyGroups: { readonly first: number; readonly last: number };
  readonly fromKey?: string;
  readonly smallestKey: string;
  readonly largestKey: string;
  readonly position?: number;
  readonly [counted: string]: unknown;
}

interface Partition {
  readonly index: number;
  readonly time: number;
  readonly added: readonly Reference[];
  readonly removed: readonly string[];
  readonly moved: readonly { readonly table: string; readonly fromKey?: string }[];
}

export interface ReadManifest {
  readonly id: number;
  readonly parent: number | null;
  readonly chain: readonly string[];
  readonly partitions: readonly Partition[];
}

export interface ReadPartition {
  readonly index: number;
  readonly time: number;
  /** Keys and values, hexadecimal, in order of key. */
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly tables: readonly ReadTable[];
}

/** `addedStates`: ids of states whose operands are 64-bit integers to add. */
export function readCheckpoint(
  folder: string,
  path: string,
  addedStates: ReadonlySet<number>,
): ReadPartition[] {
  const newest = readManifest(folder, path);
  const partitions = new Map<number, { time: number; tables: Map<string, Reference> }>();
  for (const { partitions: parts } of [
    ...newest.chain.map((older) => readManifest(folder, older)),
    newest,
  ]) {
    for (const { index, time, added, removed, moved } of parts) {
      const tables = new Map(partitions.get(index)?.tables);
      for (const identity of removed) assert.ok(tables.delete(identity));
      for (const { table, ...place } of moved) {
        const { fromKey: _before, ...rest } = tables.get(table)!;
        tables.set(table, { ...rest, ...place });
      }
      for (const table of added) tables.set(identityOf(table), table);
      partitions.set(index, { time, tables });
    }
  }
  return [...partitions].map(([index, { time, tables }]) => {
    const shown = [...tables.values()].map((reference) => readShown(folder, reference));
    return {
      index,
      time,
      entries: contentsOf(shown, time, addedStates),
      tables: shown.map(({ table }) => table),
    };
  });
}

export function readManifest(folder: string, path: string): ReadManifest {
  const text = readFileSync(join(folder, path), "utf8");
  const [head, checksum] = /^\{"crc32":(\d+),/.exec(text)!;
  assert.equal(Number(checksum), crc32(text.replace(head, "{")));
  return JSON.parse(text) as ReadManifest;
}

function identityOf({ id, keyGroups: { first, last } }: Reference): string {
  return `${id}@${first}-${last}`;
}

interface ShownTable {
  readonly reference: Reference;
  readonly table: ReadTable;
  /** What of it exists for the reader, by key. */
  readonly entries: ReadonlyMap<string, ReadEntry>;
}

function readShown(folder: string, reference: Reference): ShownTable {
  const { path, offset, size, inline } = reference;
  const bytes =
    inline === undefined
      ? readFileSync(join(folder, path)).subarray(offset, offset + size)
      : Buffer.from(inline, "base64");
  assert.equal(bytes.length, size);
  const table = readTable(bytes);
  checkReference(reference, table);
  const shown = table.entries.filter(({ key }) => isShown(reference, key));
  return { reference, table, entries: new Map(shown.map((entry) => [entry.key, entry])) };
}

/** A reference says what the table says of itself. */
function checkReference(reference: Reference, table: ReadTable): void {
  const { expiry, position } = reference as { expiry?: Record<string, number>; position?: number };
  const said = expiry && [expiry["entries"], expiry["earliest"], expiry["latest"]];
  assert.deepEqual(said, table.expiry && [...table.expiry]);
  assert.equal(reference["entries"], table.entries.length);
  assert.equal(reference["deletedRanges"] ?? 0, table.deletedRanges.length);
  for (const name of [
    "tombstones",
    "smallestSequence",
    "largestSequence",
    "indexOffset",
  ] as const) {
    assert.equal(reference[name], table[name]);
  }
  const { smallestKey, largestKey } = table;
  const shortened = smallestKey.slice(0, 512);
  assert.equal(reference.smallestKey, position === undefined ? smallestKey : shortened);
  if (position === undefined) assert.equal(reference.largestKey, largestKey);
  else assert.ok(reference.largestKey >= largestKey.slice(0, 512));
}

function isShown({ keyGroups, fromKey = "" }: Reference, key: string): boolean {
  const group = Number.parseInt(key.slice(0, 4), 16);
  return group >= keyGroups.first && group <= keyGroups.last && key >= fromKey;
}

/** Newest first: a lower level, in a level a higher run. Within a run no two tables show one key. */
function contentsOf(
  tables: readonly ShownTable[],
  time: number,
  addedStates: ReadonlySet<number>,
): [string, string][] {
  const inOrder = tables.toSorted(
    ({ reference: left }, { reference: right }) => left.level - right.level || right.run - left.run,
  );
  const keys = new Set(inOrder.flatMap(({ entries }) => [...entries.keys()]));
  return [...keys].sort().flatMap((key): [string, string][] => {
    const value = valueOf(key, inOrder, time, addedStates);
    return value === undefined ? [] : [[key, value.toString("hex")]];
  });
}

function valueOf(
  key: string,
  inOrder: readonly ShownTable[],
  time: number,
  addedStates: ReadonlySet<number>,
): Buffer | undefined {
  const operands: Buffer[] = [];
  let base: Buffer | undefined;
  for (const { reference, table, entries } of inOrder) {
    const entry = entries.get(key);
    const isExpired = entry !== undefined && entry.expiresAt <= time;
    if (entry?.kind === "merge" && !isExpired) operands.push(entry.value);
    if (entry?.kind === "put" && !isExpired) base = entry.value;
    if (entry !== undefined && entry.kind !== "merge") break;
    const isDeleted = table.deletedRanges.some(([start, end]) => start <= key && key < end);
    if (isDeleted && isShown(reference, key)) break;
  }
  if (operands.length === 0) return base;
  assert.ok(addedStates.has(Number.parseInt(key.slice(4, 8), 16)));
  const parts = base === undefined ? operands : [...operands, base];
  return encodeInteger(parts.reduce((sum, bytes) => sum + decodeInteger(bytes), 0n));
}

function decodeInteger(bytes: Buffer): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
}

function encodeInteger(sum: bigint): Buffer {
  const value = BigInt.asIntN(64, sum);
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  const digits = BigInt.asUintN(length * 8, value).toString(16);
  return Buffer.from(digits.padStart(length * 2, "0"), "hex");
}
