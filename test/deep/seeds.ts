/**
 * Simulated worlds, spread over threads. Stops at the first seed that breaks a promise and makes it
 * smaller.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import cliProgress from "cli-progress";
import { explain } from "../simulation/explain.ts";
import { scenarioOf } from "../simulation/scenario.ts";
import { simulate } from "../simulation/simulate.ts";
import type { SeedOutcome } from "./seed-worker.ts";

export interface SeedsOptions {
  /** The first seed, and how many. */
  readonly start: number;
  readonly seeds: number;
  /** Threads. */
  readonly workers: number;
  /** Lines of the trace to show for a failing seed. */
  readonly lines: number;
  /** False: a failing seed is reported as it is. */
  readonly shrink: boolean;
  readonly report: (line: string) => void;
}

/** Throws with the report of a failing seed. */
export async function run(options: SeedsOptions): Promise<void> {
  const bar = new cliProgress.SingleBar({
    format:
      "{bar} {value}/{total} seeds, {duration_formatted}, {events} events, {checkpoints} checkpoints restored, uploads in {uploading} seeds",
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const sum = { events: 0, checkpoints: 0, uploading: 0 };
  bar.start(options.seeds, 0, { ...sum });
  const failed = await runSeeds(options, (outcome) => {
    sum.events += outcome.events;
    sum.checkpoints += outcome.checkpointsChecked;
    if (outcome.tablesUploaded > 0) sum.uploading++;
    bar.increment(1, sum);
  });
  bar.stop();
  if (failed !== undefined) throw new Error(await reportOn(failed, options));
  options.report(`${options.seeds} seeds from ${options.start} keep every promise.`);
}

async function reportOn(seed: number, options: SeedsOptions): Promise<string> {
  const result = await simulate(scenarioOf(seed));
  return explain(result, options);
}

/** The smallest failing seed found before the threads were stopped, if any. */
async function runSeeds(
  options: SeedsOptions,
  onOutcome: (outcome: SeedOutcome) => void,
): Promise<number | undefined> {
  const end = options.start + options.seeds;
  let next = options.start;
  let failed: number | undefined;
  const threads = Array.from({ length: Math.min(options.workers, options.seeds) }, async () => {
    const thread = new Worker(new URL("./seed-worker.ts", import.meta.url));
    while (next < end && failed === undefined) {
      const outcome = await runSeed(thread, next++);
      onOutcome(outcome);
      if (outcome.failure !== undefined) failed = Math.min(failed ?? outcome.seed, outcome.seed);
    }
    await thread.terminate();
  });
  await Promise.all(threads);
  return failed;
}

async function runSeed(thread: Worker, seed: number): Promise<SeedOutcome> {
  thread.postMessage(seed, []);
  // Rejects when the thread fails first.
  const [outcome] = await once(thread, "message");
  return outcome as SeedOutcome;
}
