/**
 * The Worker of test/workerd/halting-worker.ts, to be started as `npm start` is: by cli/runtime-process.ts.
 * Once the Worker has halted this process kills itself, and with it workerd, as kill -9 would.
 */
import { parseArgs } from "node:util";
import { LocalRuntime } from "../../../cli/local-runtime.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, persist: { type: "string" } },
});
const { HALT_AT, OUTPUT_RETAIN_MS, WEIR_CHECKPOINT_INTERVAL_MS } = process.env;

// What a Worker logs arrives here. Writing to a pipe ends before the next statement.
// oxlint-disable-next-line no-console -- The same.
const { log } = console;
// oxlint-disable-next-line no-console -- What comes through it is a message of the Worker.
console.log = (line: unknown) => {
  log(line);
  if (line === `Halted ${HALT_AT}`) process.kill(process.pid, "SIGKILL");
};

const runtime = await LocalRuntime.start({
  port: Number(values.port),
  directory: values.persist!,
  module: new URL("../../workerd/halting-worker.ts", import.meta.url),
  variables: {
    WEIR_ACCESS: "open",
    ...(OUTPUT_RETAIN_MS !== undefined && { OUTPUT_RETAIN_MS }),
    ...(HALT_AT !== undefined && { HALT_AT }),
    ...(WEIR_CHECKPOINT_INTERVAL_MS !== undefined && { WEIR_CHECKPOINT_INTERVAL_MS }),
  },
});
process.stdout.write(`Weir is ready at ${runtime.url}\n`);
