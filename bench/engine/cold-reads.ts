/**
 * Reading a checkpoint that is not in memory: what opening costs of all its bytes, what a point read
 * costs when nothing is resident, and a mix over a state larger than memory.
 */
import { atMost } from "./bars.ts";
import type { PartReport } from "./report.ts";
import { TailAndBlockReads } from "../../test/support/tail-and-block-reads.ts";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import { Stopwatch } from "./figures.ts";
import { MIB, openWeir, putAll, settle, weirEnvironment } from "./weir-side.ts";
import { PLAIN_STATE, Workload, uniformIndexes, zipfIndexes } from "./workload.ts";

const ENTRY_BYTES = 116;
const COLD_GETS = 200;
const MIXED_GETS = 20_000;

export async function measureColdReads(mebibytes: number): Promise<PartReport> {
  const blobStore = new MemoryBlobStore(weirEnvironment(0));
  const workload = new Workload(Math.floor((mebibytes * MIB) / ENTRY_BYTES), PLAIN_STATE, false);
  const writer = openWeir({ blobStore, tuning: { compression: "none" }, memoryBytes: 128 * MIB });
  await putAll(writer, workload);
  await settle(writer);
  const from = await settle(writer);
  writer.close();
  const all = from.tables.reduce((sum, { size }) => sum + size, 0);

  const reads = new TailAndBlockReads(blobStore, from.tables);
  const open = openWeir({ blobStore: reads, from });
  const tables = open.statistics().tables;
  const readAtOnce = reads.tails + reads.blocks;
  const watch = new Stopwatch();
  // A key of each table: afterwards every table is open.
  for (const { smallestKey } of from.tables) await open.get(Buffer.from(smallestKey, "hex"));
  const { tails, blocks } = reads;
  const openingReads = readAtOnce + tails;
  const percentOf = (bytes: number): string => `${((bytes / all) * 100).toFixed(2)} % of the bytes`;
  const percentRead = (reads.tailBytes / all) * 100;
  const opening = [
    `${readAtOnce} reads at once`,
    `then ${tails} of the ends of ${tables} tables (${percentOf(reads.tailBytes)})`,
    `and ${blocks} of the blocks of their keys (${percentOf(reads.blockBytes)})`,
    `${watch.wall.toFixed(0)} ms`,
  ].join(", ");

  const cold = await readsOf(open, workload, uniformIndexes(COLD_GETS, workload.entries));
  const quarter = (mebibytes * MIB) / 4;
  const small = openWeir({ blobStore, from, memoryBytes: quarter });
  const uniform = await readsOf(small, workload, uniformIndexes(MIXED_GETS, workload.entries));
  const zipf = await readsOf(small, workload, zipfIndexes(MIXED_GETS, workload.entries));
  const text = [
    `\n${mebibytes} MiB of state in the store:`,
    `  open every table with one read of a key each: ${opening}`,
    `  point reads, nothing but tails resident: ${cold}`,
    `  uniform point reads, memory for a quarter: ${uniform}`,
    `  Zipf point reads, memory for a quarter: ${zipf}`,
  ].join("\n");
  const spentOn = "Index, filter and properties of each table.";
  return {
    text,
    bars: [
      atMost("bytes read to open all tables, percent", percentRead, 2, spentOn),
      // Besides the blocks that hold the keys asked for, which any read of them takes.
      atMost("reads to open all tables, besides one a table", openingReads - tables, 2, spentOn),
    ],
  };
}

async function readsOf(engine: StateEngine, workload: Workload, indexes: Uint32Array) {
  const before = engine.statistics().operations;
  const watch = new Stopwatch();
  for (const index of indexes) {
    const value = await engine.get(workload.key(index).slice());
    if (value?.[0] !== workload.value(index)[0])
      throw new Error(`Entry ${index} was read wrongly.`);
  }
  const after = engine.statistics().operations;
  const gets = (after.gets - before.gets) / indexes.length;
  const bytes = (after.bytesRead - before.bytesRead) / indexes.length;
  const microseconds = (watch.wall * 1000) / indexes.length;
  return `${gets.toFixed(2)} reads and ${(bytes / 1024).toFixed(1)} KiB a get, ${microseconds.toFixed(0)} µs`;
}
