/**
 * Makes a failing scenario smaller while it fails: fewer kinds of fault, less work, fewer objects.
 * Greedy; each step is one more run of the same seed.
 */
import { FAULT_KINDS } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import type { Result } from "./simulate.ts";

/** The smallest failing run found within `budget` runs. */
export async function shrink(
  failing: Result,
  run: (scenario: Scenario) => Promise<Result>,
  budget = 60,
): Promise<Result> {
  let best = failing;
  let runs = 0;
  for (let improved = true; improved;) {
    improved = false;
    for (const smaller of smallerThan(best.scenario)) {
      if (runs++ >= budget) return best;
      const result = await run(smaller);
      if (result.failure === undefined) continue;
      best = result;
      improved = true;
      break;
    }
  }
  return best;
}

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  for (const kind of FAULT_KINDS) {
    if (scenario.rates[kind] > 0) yield { ...scenario, rates: { ...scenario.rates, [kind]: 0 } };
  }
  const sizes = [
    "requestsPerProducer",
    "producers",
    "linesPerRequest",
    "sources",
    "partitions",
    "sharedWords",
    "retained",
  ] as const;
  for (const size of sizes) {
    if (scenario[size] > 1) yield { ...scenario, [size]: Math.ceil(scenario[size] / 2) };
  }
}
