/**
 * Memory ceiling: an engine with a 24 MiB budget and 1 GiB of state, written to, compacted, scanned and
 * checkpointed at once, takes less than 40 MiB beyond what the same process takes that does the same work without an
 * engine: of the resident set, with garbage, room between objects, machine code and the file system's calls in it,
 * and so of what is alive, in the heap and outside it. Garbage since the last collection would be tens of megabytes of
 * pages of scans in either process: so both collect after as much written.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { MemoryPeaks } from "./memory-sampler.ts";

export interface MemoryCeilingPlan {
  readonly budgetBytes: number;
  /** Keys and values to write. */
  readonly stateBytes: number;
  /** Bytes written between two checkpoints. */
  readonly checkpointBytes: number;
  readonly seed: number;
  /** False: the same work without an engine, which is what the process takes anyway. */
  readonly hasEngine: boolean;
}

export interface MemoryCeilingResult extends MemoryPeaks {
  readonly entries: number;
  readonly tableBytes: number;
  /** Entries that scans answered while there was writing. */
  readonly scanned: number;
  readonly checkpoints: number;
}

/** What every proof in this folder takes. */
export interface EngineProofOptions {
  /** Replays a run: the same seed, the same run. */
  readonly seed: number;
  readonly report: (line: string) => void;
}

const MEBIBYTE = 1024 * 1024;

/**
 * The system's allocator keeps what was freed for later, and between what is not, unless it is told to return it:
 * that is not to be measured. Blocks and everything larger are mapped on their own.
 */
const FREED_IS_RETURNED = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "65536",
  MALLOC_MMAP_THRESHOLD_: "12288",
};

/** In a process of its own, so that nothing else is counted. */
export async function measureMemory(plan: MemoryCeilingPlan): Promise<MemoryCeilingResult> {
  const script = fileURLToPath(new URL("memory-ceiling-process.ts", import.meta.url));
  const flags = ["--expose-gc", "--max-semi-space-size=1"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, script, JSON.stringify(plan)],
    { env: { ...process.env, ...FREED_IS_RETURNED } },
  );
  return JSON.parse(stdout) as MemoryCeilingResult;
}

/** The full form: some minutes. Throws when the ceiling is passed. */
export async function run({ seed, report }: EngineProofOptions): Promise<void> {
  const plan = {
    budgetBytes: 24 * MEBIBYTE,
    stateBytes: 1024 * MEBIBYTE,
    checkpointBytes: 32 * MEBIBYTE,
    seed,
  };
  const without = await measureMemory({ ...plan, hasEngine: false });
  report(`memory ceiling, no engine: ${JSON.stringify(without)}`);
  const result = await measureMemory({ ...plan, hasEngine: true });
  const liveBytes = result.peakLiveBytes - without.peakLiveBytes;
  const residentBytes = result.peakResidentBytes - without.peakResidentBytes;
  const line = `memory ceiling: ${JSON.stringify({ liveBytes, residentBytes, ...result })}`;
  const takenBytes = Math.max(liveBytes, residentBytes);
  if (takenBytes > 40 * MEBIBYTE) throw new Error(`Above 40 MiB: ${line}`);
  report(line);
}
