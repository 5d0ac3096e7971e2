/**
 * Replays what a property test of fast-check found, without an edit: WEIR_SEED gives every property the seed
 * that a failure printed. A failure prints the command.
 */
import * as fc from "fast-check";

const { CI, WEIR_SEED } = process.env;
const seed = WEIR_SEED ?? (CI === undefined ? undefined : "1");

fc.configureGlobal({
  ...(seed !== undefined && { seed: wholeNumber(seed) }),
  reporter(details) {
    if (details.failed) throw new Error(reportOf(details), { cause: details.errorInstance });
  },
});

/** What fast-check reports, and how to have it again. */
export function reportOf<T>(details: fc.RunDetails<T>): string {
  const report = fc.defaultReportMessage(details) ?? "A property failed.";
  return `${report}\n\nReplay: WEIR_SEED=${details.seed} npx vitest run --project node <this file>`;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (text !== "" && Number.isSafeInteger(number)) return number;
  throw new RangeError(`WEIR_SEED is "${text}": write the seed that a failed property printed.`);
}
