/** One thread of engine-model.ts: runs the seeds it is told, one at a time, and answers each with what differed. */
import { parentPort } from "node:worker_threads";
import * as fc from "fast-check";
import type { EngineTuning } from "../../../state-engine/index.ts";
import { command, crowdedCommand, longKeyCommand } from "../../state-engine/engine-command.ts";
import { COMPRESSED } from "../../state-engine/engine-fixture.ts";
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

/** What a seed draws. */
const KINDS: readonly {
  readonly steps: typeof command;
  readonly tuning: Partial<EngineTuning>;
}[] = [
  { steps: command, tuning: {} },
  { steps: crowdedCommand, tuning: { boundBytes: 5, tableBytes: 60 } },
  { steps: command, tuning: { ...COMPRESSED, compression: "zstd" } },
  { steps: longKeyCommand, tuning: { memtableEntries: 64 } },
  { steps: longKeyCommand, tuning: { ...COMPRESSED, compression: "deflate-raw" } },
];

if (parentPort === null) throw new Error("This file runs as a thread of test/deep/main.ts.");
const port = parentPort;

port.on("message", (task: ModelTask) => {
  void runSeed(task).then((failure) => {
    const outcome: ModelOutcome = { seed: task.seed, failure };
    port.postMessage(outcome);
  });
});

async function runSeed({ seed, operations }: ModelTask): Promise<string | undefined> {
  const { steps, tuning } = KINDS[seed % KINDS.length]!;
  const [commands] = fc.sample(
    fc.array(steps, { minLength: operations, maxLength: operations, size: "max" }),
    { seed, numRuns: 1 },
  );
  const subject = new Subject(tuning);
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
