/**
 * The other objects of a job over their namespaces. Also how the Worker reaches them.
 *
 * Promise: calls through one answer of source(), partition() or coordinator() travel in order while
 * they succeed. After a failed call the next one goes through a new stub, because a stub may stay
 * broken for ever after an exception.
 */
import { coordinatorName, partitionName, sourceName } from "../names.ts";
import type { Peers } from "../object-context.ts";
import type { WeirBindings } from "./bindings.ts";

type Namespaces = Pick<WeirBindings, "SOURCE" | "PARTITION" | "COORDINATOR">;

export function createPeers(namespaces: Namespaces, job: string): Peers {
  return {
    source: (index) => callsTo(namespaces.SOURCE, sourceName(job, index)),
    partition: (task) => callsTo(namespaces.PARTITION, partitionName(job, task)),
    coordinator: () => callsTo(namespaces.COORDINATOR, coordinatorName(job)),
  };
}

type Method = (...parameters: unknown[]) => Promise<unknown>;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- Peers says which calls each kind answers.
function callsTo<Calls extends object>(namespace: DurableObjectNamespace, name: string): Calls {
  let stub: Record<string, Method> | undefined;
  const call = async (method: string, parameters: unknown[]) => {
    const used = (stub ??= namespace.getByName(name) as unknown as Record<string, Method>);
    try {
      return await used[method]!(...parameters);
    } catch (error) {
      if (stub === used) stub = undefined;
      throw error;
    }
  };
  return new Proxy({} as Calls, {
    get: (_target, method) =>
      // A promise that resolves to these calls must not take them for another promise.
      typeof method === "string" && method !== "then"
        ? (...parameters: unknown[]) => call(method, parameters)
        : undefined,
  });
}
