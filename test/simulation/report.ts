/** A failing run in words: what was broken, the scenario that shows it, how to run it again, and how it came about. */
import { FAULT_KINDS } from "./faults.ts";
import type { Result } from "./simulate.ts";

const LAST_LINES = 120;

export function reportOf(result: Result, lines = LAST_LINES): string {
  const { rates, ...shape } = result.scenario;
  const faults = FAULT_KINDS.filter((kind) => rates[kind] > 0);
  const shown = faults.map((kind) => `${kind} ${rates[kind].toPrecision(2)}`).join(", ");
  const start = Number(result.trace[0]?.split(" ")[0] ?? 0);
  return [
    `Seed ${shape.seed} breaks a promise: ${result.failure ?? "none"}`,
    `Scenario: ${JSON.stringify(shape)}`,
    `Faults: ${shown === "" ? "none" : shown}`,
    `Again: npm run test:deep -- --only simulation --start ${shape.seed} --seeds 1`,
    `The last ${lines} of ${result.events} events (milliseconds from the first one kept):`,
    ...result.trace.slice(-lines).map((line) => readable(line, start)),
  ].join("\n");
}

function readable(line: string, start: number): string {
  const space = line.indexOf(" ");
  const milliseconds = Number(line.slice(0, space)) - start;
  return `${String(milliseconds).padStart(9)} ${line.slice(space + 1)}`;
}
