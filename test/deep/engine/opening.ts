/**
 * Opening 1 GiB of state that lies in a bucket: nothing is read by opening itself, and the first use of every table
 * costs one read of its end each and at most 2 % of the bytes, besides the blocks with the keys that are asked for.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderBlobStore } from "../../../cli/folder-blob-store.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { SharedMemoryPool, StateEngine, stateKey } from "../../../state-engine/index.ts";
import type { EngineOptions, PersistedState } from "../../../state-engine/index.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { TailAndBlockReads } from "../../support/tail-and-block-reads.ts";
import type { EngineProofOptions } from "./memory-ceiling.ts";

const MEBIBYTE = 1024 * 1024;
const STATE_BYTES = 1024 * MEBIBYTE;
const KEY_GROUPS = { first: 0, last: 63 };
const LARGEST_PART = 0.02;
/** Besides one for each table. */
const FURTHER_READS = 2;
/** As a batch of frames. */
const BATCH_BYTES = 64 * 1024;

export interface OpeningOptions extends EngineProofOptions {
  /** Keys and values; 1 GiB unless said otherwise. */
  readonly stateBytes?: number;
}

/** Throws when opening reads more than it may. */
export async function run({
  seed,
  report,
  stateBytes = STATE_BYTES,
}: OpeningOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weir-opening-"));
  try {
    const blobStore = new FolderBlobStore(folder);
    const persisted = await writeState(blobStore, seed, stateBytes);
    const figures = await openState(blobStore, persisted);
    const line = `opening ${stateBytes} bytes of keys and values: ${JSON.stringify(figures)}`;
    const { tables, readsByOpening, tailReads, tailPart } = figures;
    const isKept =
      readsByOpening === 0 && tailReads <= tables + FURTHER_READS && tailPart <= LARGEST_PART;
    if (!isKept) throw new Error(`More than 2 % or ${FURTHER_READS} + one read a table: ${line}`);
    report(line);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Values of 100 to 1,000 bytes under keys in no order, and a checkpoint every 64 MiB. */
async function writeState(
  blobStore: BlobStore,
  seed: number,
  stateBytes: number,
): Promise<PersistedState> {
  const random = new SeededRandom(seed);
  const engine = openEngine(blobStore, 80 * MEBIBYTE, { tables: [], sequence: 0 });
  const checkpoint = async (): Promise<PersistedState> => {
    const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
    const persisted = await engine.persist(engine.freeze(), options);
    engine.confirm(persisted);
    return persisted;
  };
  const value = new Uint8Array(1_000);
  let entries = 0;
  let due = 0;
  for (let written = 0; written < stateBytes; written += BATCH_BYTES) {
    await engine.admit(BATCH_BYTES);
    for (let bytes = 0; bytes < BATCH_BYTES;) {
      const length = random.between(100, 1_000);
      const key = keyOf(entries);
      value.fill(entries++, 0, length);
      engine.put(key, 0, key.length, value, 0, length);
      bytes += key.length + length;
    }
    await engine.maintain();
    if (written < due) continue;
    due += 64 * MEBIBYTE;
    await checkpoint();
  }
  while (await engine.maintain());
  const persisted = await checkpoint();
  engine.close();
  return persisted;
}

interface OpeningFigures {
  readonly tables: number;
  readonly tableBytes: number;
  readonly readsByOpening: number;
  /** Reads that ask for the end of a table, and their part of all bytes. */
  readonly tailReads: number;
  readonly tailPart: number;
  readonly blockReads: number;
  readonly blockPart: number;
  readonly openingMs: number;
}

/** Opens the state with 24 MiB of memory and reads a key of every table. */
async function openState(folder: BlobStore, persisted: PersistedState): Promise<OpeningFigures> {
  const { tables } = persisted;
  const reads = new TailAndBlockReads(folder, persisted.tables);
  const began = performance.now();
  const engine = openEngine(reads, 24 * MEBIBYTE, persisted);
  const openingMs = performance.now() - began;
  const readsByOpening = reads.tails + reads.blocks;
  for (const { id, smallestKey } of tables) {
    const value = await engine.get(new Uint8Array(Buffer.from(smallestKey, "hex")));
    if (value === undefined) throw new Error(`Table ${id} lost its first key ${smallestKey}.`);
  }
  engine.close();
  const tableBytes = tables.reduce((sum, { size }) => sum + size, 0);
  return {
    tables: tables.length,
    tableBytes,
    readsByOpening,
    tailReads: reads.tails,
    tailPart: reads.tailBytes / tableBytes,
    blockReads: reads.blocks,
    blockPart: reads.blockBytes / tableBytes,
    openingMs,
  };
}

function openEngine(
  blobStore: BlobStore,
  memoryBytes: number,
  { tables, sequence }: Pick<EngineOptions, "tables" | "sequence">,
): StateEngine {
  const memory = new SharedMemoryPool(memoryBytes);
  const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(1), memory });
  let objects = tables.length;
  return StateEngine.open({
    environment,
    blobStore,
    keyGroups: KEY_GROUPS,
    tables,
    sequence,
    mergeOperators: new Map(),
    uploads: { nextPath: () => `t/${objects++}.sst`, note: () => undefined },
    // Values are alike: compressed they would be next to nothing, and the ends of the tables most of it.
    tuning: { compression: "none" },
  });
}

/** Keys come in no order: a bijection of the number. */
function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.imul(number, 0x9e3779b1) >>> 0);
  view.setUint32(4, number);
  return stateKey(number & 63, 1, key);
}
