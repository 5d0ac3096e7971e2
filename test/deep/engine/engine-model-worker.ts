/** One thread of engine-model.ts: runs the seeds it is told, one at a time, and answers each with what differed. */
import { parentPort } from "node:worker_threads";
import * as fc from "fast-check";
import { command, crowdedCommand } from "../../state-engine/engine-command.ts";
import { Subject } from "../../state-engine/engine-model.ts";

export interface ModelTask {
  readonly seed: number;
  readonly operations: number;
}

export interface ModelOutcome {
  readonly seed: number;
  /** The error with its stack, and the operation it came at. */
  readonly failure: string | undefined;
}

if (parentPort === null) throw new Error("This file runs as a thread of test/deep/main.ts.");
const port = parentPort;

port.on("message", (task: ModelTask) => {
  void runSeed(task).then((failure) => {
    const outcome: ModelOutcome = { seed: task.seed, failure };
    port.postMessage(outcome);
  });
});

async function runSeed({ seed, operations }: ModelTask): Promise<string | undefined> {
  const isCrowded = seed % 2 === 1;
  const [commands] = fc.sample(
    fc.array(isCrowded ? crowdedCommand : command, {
      minLength: operations,
      maxLength: operations,
      size: "max",
    }),
    { seed, numRuns: 1 },
  );
  const subject = new Subject(isCrowded ? { boundBytes: 5, tableBytes: 60 } : {});
  let at = 0;
  try {
    for (; at < operations; at++) await subject.run(commands![at]!);
    await subject.check();
    return undefined;
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `operation=${at} ${JSON.stringify(commands![at])}\n${what}`;
  }
}
