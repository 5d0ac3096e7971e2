/**
 * The command that runs Weir on this machine with the jobs of workers/jobs/ until it is told to stop:
 * `npm start` and `weir dev`. Prints one line once requests are served; Ctrl-C or SIGTERM ends it with
 * exit 0.
 */
import { enableCompileCache } from "node:module";
import { Command } from "commander";
import { wholeNumber } from "./whole-number.ts";
import { bucketsOfWrangler } from "./wrangler-buckets.ts";

interface StartOptions {
  readonly port: number;
  readonly persist: string;
  readonly checkpointInterval?: number;
}

export function startCommand(name: string): Command {
  return new Command(name)
    .description("runs Weir on this machine")
    .option("--port <number>", "port to listen on; 0 takes any free one", wholeNumber(65_535), 8787)
    .option("--persist <directory>", "where state is kept", ".weir")
    .option(
      "--checkpoint-interval <milliseconds>",
      "overrides every job's interval; 0: only on request",
      wholeNumber(Number.MAX_SAFE_INTEGER),
    )
    .action((options: StartOptions) => start(options));
}

async function start({ port, persist, checkpointInterval }: StartOptions): Promise<void> {
  try {
    // Miniflare is 5 MB of JavaScript: compiled code is kept for the next start.
    enableCompileCache();
    const [{ LocalRuntime }, boundBuckets] = await Promise.all([
      import("./local-runtime.ts"),
      bucketsOfWrangler(),
    ]);
    const runtime = await LocalRuntime.start({
      port,
      directory: persist,
      boundBuckets,
      variables: {
        ...variablesOfThisRun(),
        ...(checkpointInterval !== undefined && {
          WEIR_CHECKPOINT_INTERVAL_MS: String(checkpointInterval),
        }),
      },
    });
    let isStopping = false;
    const stop = (): void => {
      isStopping = true;
      void runtime.stop().then(() => process.exit(0));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      // Miniflare's own listener would end this process as killed by the signal.
      process.removeAllListeners(signal);
      process.once(signal, stop);
    }
    console.log(`Weir is ready at ${runtime.url}`);
    await runtime.wakeFeeds().catch((error: unknown) => {
      if (!isStopping) console.error(feedsAsleep(error));
    });
  } catch (error) {
    console.error(startError(error, port));
    process.exit(1);
  }
}

/** Runs on this machine are open unless a token is set. */
function variablesOfThisRun(): Record<string, string> {
  const passedOn = [
    "WEIR_TOKEN",
    "WEIR_INGEST_TOKEN",
    "WEIR_READ_TOKEN",
    "WEIR_PARALLELISM",
    "WEIR_SOURCES",
    "WEIR_LOG_LIMIT_BYTES",
  ];
  const variables: Record<string, string> = {};
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined && value !== "") variables[name] = value;
  }
  const hasToken = Object.keys(variables).some((name) => name.endsWith("TOKEN"));
  return hasToken ? variables : { ...variables, WEIR_ACCESS: "open" };
}

function feedsAsleep(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `Feeds were not woken: they begin when somebody asks about their job, as GET /jobs does. ${reason}`;
}

function startError(error: unknown, port: number): string {
  if ((error as { code?: string }).code === "ERR_ADDRESS_IN_USE") {
    return `Port ${port} is taken. Stop what listens there, or choose another: npm start -- --port 0`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
