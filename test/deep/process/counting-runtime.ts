/** A runtime in this process whose bucket and storage are counted: the Worker is test/workerd/counting-worker.ts. */
import { LocalRuntime } from "../../../cli/local-runtime.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import type { PlatformOperations } from "../../support/platform-operations.ts";

const countingWorker = new URL("../../workerd/counting-worker.ts", import.meta.url);

export interface CountingRuntime {
  readonly client: WeirClient;
  /** Since the runtime started. */
  readonly operations: () => Promise<PlatformOperations>;
}

/** Runs `body` with a runtime over `directory` that is stopped afterwards. */
export async function withCountingRuntime<Result>(
  directory: string,
  variables: Readonly<Record<string, string>>,
  body: (runtime: CountingRuntime) => Promise<Result>,
): Promise<Result> {
  const runtime = await LocalRuntime.start({
    port: 0,
    directory,
    variables: { ...variables, WEIR_ACCESS: "open" },
    module: countingWorker,
  });
  try {
    const client = new WeirClient({ url: runtime.url });
    return await body({
      client,
      operations: () => client.json<PlatformOperations>("/test/platform-operations"),
    });
  } finally {
    await runtime.stop();
  }
}
