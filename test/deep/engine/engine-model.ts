/**
 * The engine against a sorted map, a million operations a run; test/state-engine/engine-model.ts says what
 * they are. Seeds are spread over threads; each begins with an empty engine, and replays: the same seed, the same
 * operations. Says how far it is.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ModelOutcome, ModelTask } from "./engine-model-worker.ts";
import type { EngineProofOptions } from "./memory-ceiling.ts";

const OPERATIONS = 1_000_000;
/** Of one engine: then the next one begins empty, with the next seed. */
const OPERATIONS_OF_A_SEED = 2_000;
const OPERATIONS_OF_A_REPORT = 50_000;

export interface EngineModelOptions extends EngineProofOptions {
  /** 1,000,000 unless said otherwise. */
  readonly operations?: number;
}

/** Throws with the seed and the number of the operation at the first difference. */
export async function run(options: EngineModelOptions): Promise<void> {
  const { seed, report, operations = OPERATIONS } = options;
  let begun = 0;
  let done = 0;
  let failed: ModelOutcome | undefined;
  const work = async (): Promise<void> => {
    const thread = new Worker(new URL("./engine-model-worker.ts", import.meta.url));
    while (begun < operations && failed === undefined) {
      const task = {
        seed: seed + begun / OPERATIONS_OF_A_SEED,
        operations: Math.min(OPERATIONS_OF_A_SEED, operations - begun),
      };
      begun += OPERATIONS_OF_A_SEED;
      const outcome = await runSeed(thread, task);
      done += task.operations;
      if (outcome.failure !== undefined) failed ??= outcome;
      if (done % OPERATIONS_OF_A_REPORT === 0) {
        report(`engine model: ${done} operations agree, seed ${task.seed}`);
      }
    }
    await thread.terminate();
  };
  report(`engine model: ${operations} operations from seed ${seed}`);
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  if (failed !== undefined) {
    throw new Error(`The engine differs: seed=${failed.seed} ${failed.failure}`);
  }
}

async function runSeed(thread: Worker, task: ModelTask): Promise<ModelOutcome> {
  thread.postMessage(task, []);
  // Rejects when the thread fails first.
  const [outcome] = await once(thread, "message");
  return outcome as ModelOutcome;
}
