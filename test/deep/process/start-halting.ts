/** Starts the Worker of test/workerd/halting-worker.ts in a process of its own. */
import { RuntimeProcess } from "../../../cli/runtime-process.ts";

export interface HaltingOptions {
  /** Such as "partition.frame before 3"; without it the Worker never halts. */
  readonly step?: string;
  readonly printed?: (line: string) => void;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Rejects when the step is reached before requests are served; `printed` has heard of it then. */
export async function startHalting(
  directory: string,
  { printed, step, variables }: HaltingOptions = {},
): Promise<RuntimeProcess> {
  return await RuntimeProcess.start({
    directory,
    script: new URL("halting-runtime.ts", import.meta.url),
    variables: { ...variables, ...(step !== undefined && { HALT_AT: step }) },
    ...(printed !== undefined && { printed }),
  });
}
