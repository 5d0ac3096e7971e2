/** The Worker of test/workerd/nexmark-worker.ts, to be started as `npm start` is: by cli/runtime-process.ts. */
import { parseArgs } from "node:util";
import { LocalRuntime } from "../../../cli/local-runtime.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, persist: { type: "string" } },
});
const { PARALLELISM, QUERY } = process.env;
const runtime = await LocalRuntime.start({
  port: Number(values.port),
  directory: values.persist!,
  module: new URL("../../workerd/nexmark-worker.ts", import.meta.url),
  variables: { WEIR_ACCESS: "open", QUERY: QUERY!, PARALLELISM: PARALLELISM! },
});
process.stdout.write(`Weir is ready at ${runtime.url}\n`);
