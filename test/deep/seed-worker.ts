/** One thread of test:deep: simulates the seeds it is told, one at a time. */
import { parentPort } from "node:worker_threads";
import { scenarioOf } from "../simulation/scenario.ts";
import { simulate } from "../simulation/simulate.ts";

export interface SeedOutcome {
  readonly seed: number;
  readonly failure: string | undefined;
  readonly events: number;
  readonly checkpointsChecked: number;
  readonly tablesUploaded: number;
}

if (parentPort === null) throw new Error("This file runs as a thread of test/deep/main.ts.");
const port = parentPort;

port.on("message", (seed: number) => {
  void simulate(scenarioOf(seed)).then((result) => {
    const { failure, events, checkpointsChecked, tablesUploaded } = result;
    const outcome: SeedOutcome = { seed, failure, events, checkpointsChecked, tablesUploaded };
    port.postMessage(outcome);
  });
});
