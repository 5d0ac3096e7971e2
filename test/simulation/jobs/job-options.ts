/** The options of every simulated job: what its scenario says. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { UnalignedOptions } from "../../../dataflow/job-options.ts";
import type { Scenario } from "../scenario.ts";

export const SIMULATED_JOB = "simulated";
/** The output of records that were given up. */
export const DEAD_LETTERS = "dead";

export function jobOptions(scenario: Scenario): JobOptionsInput {
  return {
    parallelism: scenario.partitions,
    maxParallelism: 16,
    sources: scenario.sources,
    checkpoint: {
      intervalMs: scenario.intervalMs,
      minPauseMs: scenario.minPauseMs,
      timeoutMs: scenario.timeoutMs,
      retained: scenario.retained,
      tolerableFailures: scenario.tolerableFailures,
      mode: scenario.mode,
      guarantee: scenario.guarantee,
      unaligned: unalignedOf(scenario),
    },
    ...(!scenario.asynchronous.hasFallback && { deadLetter: { output: DEAD_LETTERS } }),
    restart: { attempts: 1_000_000, maxBackoffMs: 5_000 },
  };
}

export function unalignedOf({ alignmentTimeoutMs }: Scenario): UnalignedOptions | null {
  return alignmentTimeoutMs === null ? null : { alignmentTimeoutMs };
}
