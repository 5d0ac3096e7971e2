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
import { MIB, openWeir, putAll, putEntries, settle, weirEnvironment } from "./weir-side.ts";
import { BATCH_ENTRIES, PLAIN_STATE, Workload, uniformIndexes, zipfIndexes } from "./workload.ts";

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

  const cold = await coldReadsOf(
    () => openWeir({ blobStore, from }),
    workload,
    uniformIndexes(COLD_GETS, workload.entries),
  );
  const opened = await readsOf(open, workload, uniformIndexes(COLD_GETS, workload.entries));
  const quarter = (mebibytes * MIB) / 4;
  const small = openWeir({ blobStore, from, memoryBytes: quarter });
  const uniform = await readsOf(small, workload, uniformIndexes(MIXED_GETS, workload.entries));
  const zipf = await readsOf(small, workload, zipfIndexes(MIXED_GETS, workload.entries));
  const mixed = await mixOf(
    openWeir({ blobStore, from, memoryBytes: quarter, folder: "mixed" }),
    workload,
    uniformIndexes(2 * MIXED_GETS, workload.entries),
  );
  const text = [
    `\n${mebibytes} MiB of state in the store:`,
    `  open every table with one read of a key each: ${opening}`,
    `  point reads, nothing resident: ${cold}`,
    `  point reads, nothing but tails resident: ${opened}`,
    `  uniform point reads, memory for a quarter: ${uniform}`,
    `  Zipf point reads, memory for a quarter: ${zipf}`,
    `  as many puts as gets by turns, uniform, memory for a quarter: ${mixed}`,
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

/** Each key with an engine of its own, which has read nothing before. */
async function coldReadsOf(
  open: () => StateEngine,
  workload: Workload,
  indexes: Uint32Array,
): Promise<string> {
  const cost = new ReadCost();
  for (const index of indexes) {
    const engine = open();
    await cost.get(engine, workload, index);
    engine.close();
  }
  return cost.perGet();
}

/**
 * A put of one entry, then a get of another, and so on, with the background work that becomes due. What
 * compactions read counts apart from what gets do.
 */
async function mixOf(
  engine: StateEngine,
  workload: Workload,
  indexes: Uint32Array,
): Promise<string> {
  const cost = new ReadCost();
  const before = engine.statistics().operations;
  for (let turn = 0; turn < indexes.length; turn += 2) {
    if (turn % BATCH_ENTRIES === 0) {
      await engine.admit(BATCH_ENTRIES * ENTRY_BYTES);
      await engine.maintain();
    }
    putEntries(engine, workload, indexes[turn]!, indexes[turn]! + 1);
    await cost.get(engine, workload, indexes[turn + 1]!);
  }
  const after = engine.statistics().operations;
  const others = after.gets - before.gets - cost.reads;
  engine.close();
  return `${cost.perGet()}; ${others} more reads and ${after.puts - before.puts} PUTs by flushes and compactions`;
}

/** What gets cost that are made one after the other. */
class ReadCost {
  readonly #watch = new Stopwatch();
  #gets = 0;
  #bytes = 0;
  reads = 0;

  async get(engine: StateEngine, workload: Workload, index: number): Promise<void> {
    const before = engine.statistics().operations;
    const value = await engine.get(workload.key(index).slice());
    if (value?.[0] !== workload.value(index)[0]) {
      throw new Error(`Entry ${index} was read wrongly.`);
    }
    const after = engine.statistics().operations;
    this.reads += after.gets - before.gets;
    this.#bytes += after.bytesRead - before.bytesRead;
    this.#gets++;
  }

  perGet(): string {
    const reads = this.reads / this.#gets;
    const kibibytes = this.#bytes / this.#gets / 1024;
    const microseconds = (this.#watch.wall * 1000) / this.#gets;
    return `${reads.toFixed(2)} reads and ${kibibytes.toFixed(1)} KiB a get, ${microseconds.toFixed(0)} µs`;
  }
}

async function readsOf(
  engine: StateEngine,
  workload: Workload,
  indexes: Uint32Array,
): Promise<string> {
  const cost = new ReadCost();
  for (const index of indexes) await cost.get(engine, workload, index);
  return cost.perGet();
}
