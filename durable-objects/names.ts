/**
 * The names of a job's Durable Objects. An object learns from its own name what it is, in alarms too.
 *
 * Promise: names and what they say are inverse to each other; the forms never change, because an
 * object's storage belongs to its name.
 */
import type { TaskId } from "./messages.ts";

export function sourceName(job: string, index: number): string {
  return `${job}/source/${index}`;
}

export function partitionName(job: string, task: TaskId): string {
  return `${job}/${task.vertex}/${task.index}`;
}

export function coordinatorName(job: string): string {
  return job;
}

export interface ObjectName {
  readonly job: string;
  /** The uid of a keyed vertex, or "source"; "" for a coordinator. */
  readonly vertex: string;
  /** 0 for a coordinator. */
  readonly index: number;
}

/** What an object is by its name. Throws for a name that no function of this file gives. */
export function parseObjectName(name: string | undefined): ObjectName {
  const parts = (name ?? "").split("/");
  const [job = "", vertex = "", index = "0"] = parts;
  if ((parts.length === 1 || parts.length === 3) && job !== "" && /^\d+$/.test(index)) {
    return { job, vertex, index: Number(index) };
  }
  throw new Error(
    `A Durable Object was reached under the name ${JSON.stringify(name)}, which names no task: ` +
      `reach it by getByName with a name of durable-objects/names.ts.`,
  );
}
