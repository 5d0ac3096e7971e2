/**
 * What takes too long for npm test: npm run test:deep -- --seeds 20000 --start 1. Simulated worlds, as
 * many as wanted, and then the proofs of the state engine; with --only simulation or --only engine one of
 * these, with --only processes the proofs on the whole runtime in full, with --only nexmark its queries over 200,000 events, with --only nexmark-kills
 * the same on a runtime that is killed, with --only sinks what sinks deliver while it is. Says what it is
 * doing; ends with
 * status 1 and a report at the first broken promise.
 */
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { run as flipBits } from "./engine/bit-flips.ts";
import { run as proveEngineModel } from "./engine/engine-model.ts";
import { run as proveMemoryCeiling } from "./engine/memory-ceiling.ts";
import { run as proveOpening } from "./engine/opening.ts";
import { queryNames, type QueryName } from "../../bench/nexmark/query-names.ts";
import { run as proveKilledQueries } from "./nexmark/killed-queries.ts";
import { run as proveQueries } from "./nexmark/query-results.ts";
import { run as proveProcesses } from "./process/full.ts";
import { run as provePhaseKills, STEPS } from "./process/phase-kills.ts";
import { run as proveSinks } from "./process/sinks.ts";
import { run as soak } from "./process/soak.ts";
import { run as simulateSeeds } from "./seeds.ts";

const PARTS = [
  "simulation",
  "processes",
  "engine",
  "nexmark",
  "nexmark-kills",
  "kills",
  "soak",
  "sinks",
] as const;

type Part = (typeof PARTS)[number];

/** What the plain command runs. */
const PLAIN_PARTS: readonly Part[] = ["simulation", "engine"];

interface Options {
  readonly only?: Part;
  readonly seeds: number;
  readonly start: number;
  readonly workers: number;
  readonly minutes: number;
  readonly lines: number;
  readonly shrink: boolean;
  readonly query: readonly QueryName[];
  readonly events: number;
}

await new Command("test:deep")
  .description(
    "Runs the simulator on many seeds and the proofs of the state engine, or other long proofs.",
  )
  .addOption(
    new Option("--only <part>", `one part; default: ${PLAIN_PARTS.join(", then ")}`).choices(PARTS),
  )
  .option("--start <number>", "the first seed; the seed of the proofs", wholeNumber, 1)
  .option("--seeds <number>", "how many simulated worlds", wholeNumber, 1_000)
  .option(
    "--minutes <number>",
    "how long to soak, to kill by phase, or to kill under sinks",
    wholeNumber,
    30,
  )
  .option("--workers <number>", "threads of the simulation", wholeNumber, availableParallelism())
  .option("--lines <number>", "lines of the trace to show for a failing seed", wholeNumber, 120)
  .option("--no-shrink", "report a failing seed as it is")
  .addOption(
    new Option("--query <names...>", "Nexmark queries to run")
      .choices(queryNames)
      .default(queryNames, "all of them"),
  )
  .option("--events <number>", "Nexmark events to run them over", wholeNumber, 200_000)
  .action((options: Options) => main(options))
  .parseAsync();

async function main(options: Options): Promise<void> {
  const began = Date.now();
  const report = (line: string): void => {
    process.stdout.write(`${Math.round((Date.now() - began) / 1_000)} s: ${line}\n`);
  };
  try {
    for (const part of options.only === undefined ? PLAIN_PARTS : [options.only]) {
      await runPart(part, options, report);
      report(`${part}: every promise is kept.`);
    }
  } catch (error) {
    report(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  }
}

async function runPart(
  part: Part,
  options: Options,
  report: (line: string) => void,
): Promise<void> {
  const proof = { seed: options.start, report };
  switch (part) {
    case "simulation":
      return simulateSeeds({ ...options, report });
    case "processes":
      return proveProcesses(proof);
    case "kills":
      return provePhaseKills({
        ...proof,
        steps: Object.values(STEPS).flat(),
        forMs: options.minutes * 60_000,
      });
    case "soak":
      return soak({ ...proof, minutes: options.minutes, linesPerSecond: 200, killEveryMs: 20_000 });
    case "sinks":
      return proveSinks({ ...proof, minutes: options.minutes });
    case "engine":
      await proveOpening(proof);
      await flipBits(proof);
      await proveEngineModel(proof);
      return proveMemoryCeiling(proof);
    case "nexmark":
      return proveQueries({ ...proof, queries: options.query, eventCount: options.events });
    case "nexmark-kills":
      return proveKilledQueries({ ...proof, queries: options.query, eventCount: options.events });
  }
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError("Write a whole number from 1.");
  }
  return number;
}
