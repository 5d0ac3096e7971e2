/** The works both sides do, by the names the processes are told. */
import type { Work } from "./figures.ts";
import { counters } from "./work/counters.ts";
import { fullScan } from "./work/full-scan.ts";
import { memtableGets, smallMemtableGets, tableGets } from "./work/gets.ts";
import { compressedPuts, plainPuts, putPath } from "./work/puts.ts";

export const works = {
  plainPuts,
  compressedPuts,
  putPath,
  tableGets,
  memtableGets,
  smallMemtableGets,
  fullScan,
  counters,
} satisfies Record<string, Work>;

export type WorkName = keyof typeof works;
