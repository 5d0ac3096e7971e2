/** Tasks that break what is promised of feeds and of records that wait for an answer. */
import { OperatorRunner } from "../../../dataflow/operators/operator-runner.ts";
import { skipping } from "./breakages.ts";
import { type Mutant, patched } from "./mutant.ts";
import {
  CRASHES_AND_A_GENERATOR,
  CRASHES_AND_OBJECTS,
  CRASHES_WHILE_RECORDS_WAIT,
  REPEATED_MESSAGES,
} from "./worlds.ts";

const FORGETS_PROGRESS = skipping("source", "INSERT OR REPLACE INTO feeds");

export const INPUT_MUTANTS: readonly Mutant[] = [
  {
    ...FORGETS_PROGRESS,
    name: "forgets how far it has read its objects",
    rule: 11,
    world: CRASHES_AND_OBJECTS,
  },
  {
    ...FORGETS_PROGRESS,
    name: "forgets how many lines its generator has made",
    rule: 11,
    world: CRASHES_AND_A_GENERATOR,
  },
  {
    ...skipping("source", "INSERT INTO queue_batches"),
    name: "forgets which messages of a queue it has taken",
    rule: 11,
    world: REPEATED_MESSAGES,
  },
  {
    name: "does not ask again for the records that waited in the restored checkpoint",
    rule: 14,
    world: CRASHES_WHILE_RECORDS_WAIT,
    kind: "partition",
    patch: () =>
      patched(OperatorRunner.prototype, "reissueRequests", () => ({ value: () => true })),
  },
];
