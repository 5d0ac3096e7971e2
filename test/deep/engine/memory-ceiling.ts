/**
 * Memory ceiling: an engine with a 24 MiB budget and 1 GiB of state, written to, compacted, scanned and
 * checkpointed at once, keeps less than 40 MiB alive, and the process less than 40 MiB resident beyond what it had
 * after the same work on a megabyte. Pages of scans that nobody reads any more, codecs and the calls of the file
 * system are in the resident set too.
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

/** The system's allocator keeps what was freed for later unless it is told to return it; this is not to be measured. */
const FREED_IS_RETURNED = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "65536" };

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
  const result = await measureMemory({
    budgetBytes: 24 * MEBIBYTE,
    stateBytes: 1024 * MEBIBYTE,
    checkpointBytes: 32 * MEBIBYTE,
    seed,
  });
  const line = `memory ceiling: ${JSON.stringify(result)}`;
  const isAbove = result.peakLiveBytes > 40 * MEBIBYTE || result.peakResidentBytes > 40 * MEBIBYTE;
  if (isAbove) throw new Error(`Above 40 MiB alive or resident: ${line}`);
  report(line);
}
