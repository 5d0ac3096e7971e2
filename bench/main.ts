/**
 * `npm run bench`: what Weir costs, always as a ratio to something measured in the same run, because
 * machines differ and drift. Prints tables; judges nothing.
 */
import Table from "cli-table3";
import { Command, InvalidArgumentError, Option } from "commander";
import { engineBenchmarkParts, printEngineBenchmark } from "./engine/report.ts";
import { type FeedThroughput, measureFeeds } from "./feeds/throughput.ts";
import { median } from "./median.ts";
import { printQueryThroughput } from "./nexmark/print-throughput.ts";
import { manyWordsText, naturalText } from "./texts.ts";
import { printStages } from "./word-count/print-stages.ts";
import { measureStages } from "./word-count/stages.ts";
import { measureThroughput, type ThroughputResult } from "./word-count/throughput.ts";

interface Options {
  readonly rounds: number;
}

interface EngineOptions extends Options {
  readonly scale: number;
  readonly state: number;
  readonly only?: readonly string[];
}

const program = new Command("npm run bench --");
program
  .command("throughput", { isDefault: true })
  .description("The whole path against a plain loop in the same runtime.")
  .option("--rounds <number>", "rounds of each, by turns", wholeNumber, 5)
  .action(async ({ rounds }: Options) => {
    console.log(`Word count, ${rounds} rounds of each by turns; medians.\n`);
    printThroughput(await measureThroughput(rounds));
  });
program
  .command("stages")
  .description("Where the time of a word goes: the stages of the path one by one, in Node.")
  .option("--rounds <number>", "runs of each stage", wholeNumber, 10)
  .action(async ({ rounds }: Options) => {
    console.log(`Word count by stage: CPU time of one thread in Node, mean of ${rounds} runs.\n`);
    printStages({
      natural: await measureStages(naturalText(), rounds),
      manyWords: await measureStages(manyWordsText(), rounds),
    });
  });
program
  .command("engine")
  .description("The state engine against LevelDB, SQLite and its own promises.")
  .option("--rounds <number>", "rounds of each, by turns", wholeNumber, 3)
  .option("--scale <number>", "of a million entries", Number, 1)
  .option("--state <mebibytes>", "state that is opened and read cold", wholeNumber, 1024)
  .addOption(
    new Option("--only <parts...>", "some parts instead of all").choices(engineBenchmarkParts),
  )
  .action(({ rounds, scale, state, only }: EngineOptions) =>
    printEngineBenchmark({ rounds, scale, stateMebibytes: state, parts: only }),
  );
program
  .command("nexmark")
  .description("The Nexmark queries in Node, beside Flink's published figures.")
  .option("--events <number>", "how many are posted to each query", wholeNumber, 50_000)
  .option("--rounds <number>", "runs of each query", wholeNumber, 3)
  .action(({ events, rounds }: { events: number; rounds: number }) =>
    printQueryThroughput(events, rounds),
  );
program
  .command("feeds")
  .description("Objects of R2 as the input, against the same bytes posted.")
  .option("--rounds <number>", "rounds of each, by turns", wholeNumber, 3)
  .action(async ({ rounds }: Options) => {
    console.log(`First words of lines counted, ${rounds} rounds of each by turns; medians.\n`);
    printFeeds(await measureFeeds(rounds));
  });
await program.parseAsync();

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("Write a whole number from 1.");
}

function printThroughput(results: readonly ThroughputResult[]): void {
  const table = new Table({
    head: ["text", "MB", "distinct", "plain loop", "Weir", "words/s", "plain / Weir (min–max)"],
  });
  for (const { text, megabytes, words, distinct, plain, weir } of results) {
    const ratios = plain.map((milliseconds, round) => milliseconds / weir[round]!);
    table.push([
      text,
      megabytes.toFixed(1),
      distinct.toLocaleString("en"),
      `${median(plain).toFixed(0)} ms`,
      `${median(weir).toFixed(0)} ms`,
      Math.round((words / median(weir)) * 1000).toLocaleString("en"),
      `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
    ]);
  }
  console.log(table.toString());
}

function printFeeds({ megabytes, times }: FeedThroughput): void {
  const posted = times.get("posted")!;
  const table = new Table({ head: ["input", "MB", "time", "MB/s", "posted / it (min–max)"] });
  for (const [name, milliseconds] of times) {
    const ratios = milliseconds.map((time, round) => posted[round]! / time);
    table.push([
      name,
      megabytes.toFixed(1),
      `${median(milliseconds).toFixed(0)} ms`,
      ((megabytes / median(milliseconds)) * 1000).toFixed(1),
      `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
    ]);
  }
  console.log(table.toString());
}
