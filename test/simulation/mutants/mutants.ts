/** Every mutant there is. docs/correctness.md has the table. */
import { COORDINATOR_MUTANTS } from "./coordinator-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { HISTORY_MUTANTS } from "./history-mutants.ts";
import { INPUT_MUTANTS } from "./input-mutants.ts";
import { PARTITION_MUTANTS } from "./partition-mutants.ts";
import { SOURCE_MUTANTS } from "./source-mutants.ts";

export const MUTANTS: readonly Mutant[] = [
  ...SOURCE_MUTANTS,
  ...PARTITION_MUTANTS,
  ...COORDINATOR_MUTANTS,
  ...HISTORY_MUTANTS,
  ...INPUT_MUTANTS,
];

/** A mutant's breakage, for schedules that show the same rule step by step. */
export function mutantNamed(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`There is no mutant "${name}".`);
  return found;
}
