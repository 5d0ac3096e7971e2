/** A failing run, made smaller and run again with a full trace: what a person reads about it. */
import type { Mutant } from "./mutants/mutant.ts";
import { reportOf } from "./report.ts";
import { shrink } from "./shrink.ts";
import { type Result, simulate } from "./simulate.ts";

export interface ExplainOptions {
  /** False: the run as it is. Default: true. */
  readonly shrink?: boolean;
  /** Lines of the trace to show. */
  readonly lines?: number;
  /** What was broken on purpose when it failed. */
  readonly mutant?: Mutant;
}

export async function explain(failing: Result, options: ExplainOptions = {}): Promise<string> {
  const broken = options.mutant === undefined ? {} : { mutant: options.mutant };
  const run = (scenario: Result["scenario"]): Promise<Result> => simulate(scenario, broken);
  const smallest = options.shrink === false ? failing : await shrink(failing, run);
  const traced = await simulate(smallest.scenario, { ...broken, traced: true });
  if (traced.failure === smallest.failure) return reportOf(traced, options.lines);
  return (
    `Seed ${failing.scenario.seed} failed once and not again in the same way: the run does not repeat. ` +
    `First: ${smallest.failure}\nThen: ${traced.failure ?? "no failure"}`
  );
}
