/**
 * What the engine promises, each with what was measured: the table at the end of the benchmark. Says for
 * a promise that was missed where its time goes.
 */
import Table from "cli-table3";
import { median } from "../median.ts";

export interface Bar {
  readonly title: string;
  /** As it is printed: the median, and the spread where there is one. */
  readonly measured: string;
  /** As it is printed. */
  readonly promised: string;
  readonly isMet: boolean;
  /** A line on what the time, or what else is counted, goes into. */
  readonly spentOn: string;
}

/** A bar that is met from `promised` on. */
export function atLeast(
  title: string,
  ratios: readonly number[],
  promised: number,
  spentOn: string,
): Bar {
  const isMet = median(ratios) >= promised;
  return { title, measured: spread(ratios), promised: `≥ ${promised}`, isMet, spentOn };
}

/** A bar that is met up to `promised`. */
export function atMost(title: string, measured: number, promised: number, spentOn: string): Bar {
  const isMet = measured <= promised;
  return { title, measured: measured.toFixed(2), promised: `≤ ${promised}`, isMet, spentOn };
}

/** The median of some ratios, and the smallest and the largest of them. */
export function spread(ratios: readonly number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}

export function printBars(bars: readonly Bar[]): void {
  const table = new Table({ head: ["promise", "measured (min–max)", "bar", ""] });
  for (const { title, measured, promised, isMet } of bars) {
    table.push([title, measured, promised, isMet ? "met" : "MISSED"]);
  }
  const missed = bars.filter(({ isMet }) => !isMet);
  console.log(
    `\nAll promises that were measured: ${bars.length - missed.length} met, ${missed.length} missed.`,
  );
  console.log(table.toString());
  for (const { title, spentOn } of missed) console.log(`Missed: ${title}. ${spentOn}`);
}
