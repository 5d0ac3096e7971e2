/**
 * Any number of simulated worlds: npm run test:deep -- --seeds 20000 --start 1. Shows progress, spreads
 * the seeds over the machine's cores, and ends with status 1 and a report at the first seed that breaks
 * a promise.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import cliProgress from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { reportOf } from "../simulation/report.ts";
import { scenarioOf } from "../simulation/scenario.ts";
import { shrink } from "../simulation/shrink.ts";
import { simulate } from "../simulation/simulate.ts";
import type { SeedOutcome } from "./seed-worker.ts";

interface Options {
  readonly seeds: number;
  readonly start: number;
  readonly workers: number;
  readonly lines: number;
  readonly shrink: boolean;
}

await new Command("test:deep")
  .description("Runs the simulator on many seeds.")
  .option("--seeds <number>", "how many", wholeNumber, 1_000)
  .option("--start <number>", "the first seed", wholeNumber, 1)
  .option("--workers <number>", "threads", wholeNumber, availableParallelism())
  .option("--lines <number>", "lines of the trace to show for a failing seed", wholeNumber, 120)
  .option("--no-shrink", "report a failing seed as it is")
  .action((options: Options) => main(options))
  .parseAsync();

async function main(options: Options): Promise<void> {
  const began = Date.now();
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
  if (failed === undefined) {
    const seconds = Math.round((Date.now() - began) / 1_000);
    write(`${options.seeds} seeds from ${options.start} keep every promise (${seconds} s).`);
    return;
  }
  const result = await simulate(scenarioOf(failed));
  const smallest = options.shrink ? await shrink(result, (scenario) => simulate(scenario)) : result;
  write(reportOf(smallest, options.lines));
  process.exitCode = 1;
}

/** The smallest failing seed found before the threads were stopped, if any. */
async function runSeeds(
  options: Options,
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

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError("Write a whole number from 1.");
  }
  return number;
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}
