/**
 * The engine against a sorted map, a million operations a run; test/state-engine/engine-model.ts says what
 * they are. Each seed prints itself before it runs, and replays: the same seed, the same operations.
 */
import * as fc from "fast-check";
import { command } from "../../state-engine/engine-command.ts";
import { Subject } from "../../state-engine/engine-model.ts";
import type { EngineProofOptions } from "./memory-ceiling.ts";

const OPERATIONS = 1_000_000;
/** Of one engine: then the next one begins empty, with the next seed. */
const OPERATIONS_OF_A_SEED = 2_000;

export interface EngineModelOptions extends EngineProofOptions {
  /** 1,000,000 unless said otherwise. */
  readonly operations?: number;
}

/** Throws with the seed and the number of the operation at the first difference. */
export async function run({
  seed,
  report,
  operations = OPERATIONS,
}: EngineModelOptions): Promise<void> {
  let done = 0;
  for (let current = seed; done < operations; current++) {
    await runSeed(current, Math.min(OPERATIONS_OF_A_SEED, operations - done));
    done += OPERATIONS_OF_A_SEED;
    if (done % 100_000 === 0) report(`engine model: ${done} operations agree, seed ${current}`);
  }
}

async function runSeed(seed: number, operations: number): Promise<void> {
  const [commands] = fc.sample(
    fc.array(command, { minLength: operations, maxLength: operations, size: "max" }),
    { seed, numRuns: 1 },
  );
  const subject = new Subject();
  for (const [number, step] of commands!.entries()) {
    try {
      await subject.run(step);
    } catch (cause) {
      const what = JSON.stringify(step);
      throw new Error(`The engine differs: seed=${seed} operation=${number} ${what}`, { cause });
    }
  }
  await subject.check();
}
