/**
 * The runtime is killed in the middle of each of its phases, by choice and not by luck: the Worker of
 * test/workerd/halting-worker.ts stops dead at a step, and its process kills itself with SIGKILL. After all
 * kills every count and every committed result is exact and the bucket holds what is referenced.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { assertThat, inTemporaryDirectory } from "./proof-job.ts";
import type { Report } from "./proof-job.ts";
import { OutputFollower } from "./output-follower.ts";
import { proveEnd } from "./prove-end.ts";
import { startHalting } from "./start-halting.ts";
import { SteadyLoad } from "./steady-load.ts";

export interface PhaseKillsOptions {
  /** Steps as test/workerd/halting-worker.ts names them; each is halted at once per round. */
  readonly steps: readonly string[];
  /** Rounds go on until then; the first is always done in full. */
  readonly forMs: number;
  readonly seed: number;
  readonly report: Report;
}

/** A kill at each of these is one in the middle of the phase. */
export const STEPS = {
  append: ["source.append before", "source.append after"],
  pump: [
    "partition.frame before",
    "partition.frame after",
    "partition.vertexFrame before",
    "partition.vertexFrame after",
    "source.alarm after",
  ],
  barrier: [
    "source.triggerCheckpoint before",
    "source.triggerCheckpoint after",
    "partition.barrier before",
    "partition.barrier after",
    "partition.vertexBarrier before",
    "partition.vertexBarrier after",
  ],
  upload: ["bucket.put object before", "bucket.put object after"],
  acknowledge: ["coordinator.acknowledge before", "coordinator.acknowledge after"],
  publish: ["bucket.put manifest before", "bucket.put manifest after"],
  complete: [
    "source.completeCheckpoint before",
    "source.completeCheckpoint after",
    "partition.completeCheckpoint after",
    "coordinator.alarm before",
    "coordinator.alarm after",
  ],
  sweep: ["bucket.delete before", "bucket.delete after"],
  restore: [
    "coordinator.attachPartition before",
    "coordinator.attachPartition after",
    "coordinator.attachSource after",
    "partition.openChannel before",
    "partition.openVertexChannel after",
    "bucket.get object before",
    "bucket.get object after",
  ],
} as const;

const REACHED_WITHIN_MS = 60_000;
/** What happens once in a lifetime is met the first time. */
const ONCE = /attach|openChannel|openVertexChannel|bucket\.get/;
const LATEST_PASSING = 4;

export async function run(options: PhaseKillsOptions): Promise<void> {
  await inTemporaryDirectory((directory) => prove(directory, options));
}

async function prove(directory: string, options: PhaseKillsOptions): Promise<void> {
  const { forMs, report, seed, steps } = options;
  const random = new SeededRandom(seed);
  const load = new SteadyLoad({ random, producers: 3, words: 3_000, linesPerBody: 20 });
  const follower = new OutputFollower();
  const endsAt = performance.now() + forMs;
  let kills = 0;
  do {
    for (const step of steps) {
      const passing = ONCE.test(step) ? 1 : random.between(1, LATEST_PASSING);
      const began = performance.now();
      await killAt(directory, `${step} ${passing}`, load);
      kills++;
      report(
        `kill ${kills} at "${step} ${passing}" after ${Math.round(performance.now() - began)} ms and ` +
          `${load.lines} lines, ${load.unanswered} requests without an answer (seed ${seed}).`,
      );
    }
  } while (performance.now() < endsAt);
  const runtime = await startHalting(directory);
  try {
    await proveEnd({ client: new WeirClient({ url: runtime.url }), directory, follower, load });
  } finally {
    await runtime.kill();
  }
  report(
    `${load.lines} lines are counted exactly, and ${follower.records} results committed, after ${kills} kills.`,
  );
}

/** Resolves when the process has killed itself at the step, which posting leads it to. */
async function killAt(directory: string, step: string, load: SteadyLoad): Promise<void> {
  const halted = Promise.withResolvers<void>();
  let isHalted = false;
  const printed = (line: string): void => {
    if (line !== `Halted ${step}`) return;
    isHalted = true;
    halted.resolve();
  };
  let runtime: RuntimeProcess;
  try {
    runtime = await startHalting(directory, { step, printed });
  } catch (error) {
    // A step of the restore comes before the first request is served.
    if (isHalted) return;
    throw error;
  }
  const client = new WeirClient({ url: runtime.url });
  const timeout = wait(REACHED_WITHIN_MS, "timeout", { ref: false });
  const posting = load.post(client, () => isHalted);
  const ended = await Promise.race([halted.promise, timeout]);
  await runtime.kill();
  await posting;
  assertThat(ended !== "timeout", `The step "${step}" was not reached within a minute.`);
}
