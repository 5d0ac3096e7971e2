/** The Worker of feed-worker.ts, to be started as `npm start` is: by cli/runtime-process.ts. */
import { parseArgs } from "node:util";
import { LocalRuntime } from "../../cli/local-runtime.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, persist: { type: "string" } },
});
const runtime = await LocalRuntime.start({
  port: Number(values.port),
  directory: values.persist!,
  module: new URL("feed-worker.ts", import.meta.url),
  variables: { WEIR_ACCESS: "open" },
  buckets: ["files"],
});
process.stdout.write(`Weir is ready at ${runtime.url}\n`);
