/** Somebody who reads live state from outside, page by page. */
import { singleStatesOf } from "./single-states.ts";
import type { StateEntry, TaskId } from "../../durable-objects/messages.ts";
import type { SimulatedJob, States } from "./jobs/simulated-job.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

/** Undefined when the partition does not answer with a page: it is catching up, or the call failed. */
export async function scanLive(
  world: World,
  task: TaskId,
  state: string,
): Promise<readonly StateEntry[] | undefined> {
  const found: StateEntry[] = [];
  let from: { cursor?: string } = {};
  try {
    for (;;) {
      // However high the limit, a page ends at some megabytes [41].
      const answer = await world
        .outside("reader")
        .partition(task)
        .scanState({ state, prefix: "", limit: 100_000, order: "key", ...from });
      if (answer.kind !== "page") return undefined;
      found.push(...answer.entries);
      if (answer.next === undefined) return found;
      from = { cursor: answer.next };
    }
  } catch (error) {
    if (isFaultOfTheWorld(error)) return undefined;
    throw error;
  }
}

/** Every readable state, once all partitions have caught up. */
export async function readEverything(
  world: World,
  { graph }: SimulatedJob,
  partitions: number,
): Promise<States> {
  const states = new Map<string, Map<string, string>>();
  for (const vertex of graph.vertices) {
    for (const { name } of singleStatesOf(vertex)) {
      const entries = new Map<string, string>();
      states.set(name, entries);
      for (let index = 0; index < partitions; index++) {
        const task = { vertex: vertex.uid, index };
        for (const { key, value } of await insist(world, task, name)) entries.set(key, value!);
      }
    }
  }
  return states;
}

async function insist(world: World, task: TaskId, state: string): Promise<readonly StateEntry[]> {
  for (;;) {
    const entries = await scanLive(world, task, state);
    if (entries !== undefined) return entries;
    await world.sleep(500);
  }
}
