/** The works both sides do, by the names the processes are told. */
import type { Work } from "./figures.ts";
import { counters } from "./work/counters.ts";
import { largeMemtableGets, smallMemtableGets } from "./work/memtable-gets.ts";
import { compressedPuts, plainPuts, putPath } from "./work/puts.ts";
import { tableReads } from "./work/table-reads.ts";

export const works = {
  plainPuts,
  compressedPuts,
  putPath,
  tableReads,
  largeMemtableGets,
  smallMemtableGets,
  counters,
} satisfies Record<string, Work>;

export type WorkName = keyof typeof works;
