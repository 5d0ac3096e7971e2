/**
 * `npm run bench`: what Weir costs, always as a ratio to something measured in the same run, because
 * machines differ and drift. Prints tables; judges nothing.
 */
import Table from "cli-table3";
import { Command } from "commander";
import { measureThroughput, type ThroughputResult } from "./word-count/throughput.ts";

const program = new Command("npm run bench --")
  .description("Measures Weir against a plain loop in the same runtime.")
  .option("--rounds <number>", "rounds of each, by turns", (text) => Number.parseInt(text, 10), 5)
  .parse();

const { rounds } = program.opts<{ rounds: number }>();
console.log(`Word count, ${rounds} rounds of each by turns; medians.\n`);
printThroughput(await measureThroughput(rounds));

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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
