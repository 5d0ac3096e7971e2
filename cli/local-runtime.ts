/**
 * Weir on Miniflare: the Worker of workers/main.ts bundled, run by workerd in a process of its own,
 * with its state in one directory.
 *
 * Promise: workerd never outlives this process, even one that is killed without a chance to clean up.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundleWorker, type WorkerBundle } from "./bundle-worker.ts";
import { mainModule } from "./main-module.ts";
import { guardWorkerd } from "./workerd-guard.ts";

export interface LocalRuntimeOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly directory: string;
  /** Text bindings of the Worker. */
  readonly variables: Readonly<Record<string, string>>;
  /** The Worker to run; default: workers/main.ts. */
  readonly module?: URL;
  /** Names of buckets by their R2 binding, as in wrangler.toml. Default: `{ BUCKET: "weir" }`. */
  readonly boundBuckets?: Readonly<Record<string, string>>;
  /** Further buckets, and queues that the Worker itself consumes: "files" is bound as FILES. */
  readonly buckets?: readonly string[];
  readonly queues?: readonly string[];
}

/** As in wrangler.toml. */
const COMPATIBILITY_DATE = "2026-10-01";

const queueConsumer = { maxBatchSize: 100, maxBatchTimeout: 1, maxRetries: 100 };

export class LocalRuntime {
  readonly url: string;
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare, url: string) {
    this.#miniflare = miniflare;
    this.url = url;
  }

  /** Resolves once requests are served. Rejects with code ERR_ADDRESS_IN_USE when the port is taken. */
  static async start(options: LocalRuntimeOptions): Promise<LocalRuntime> {
    const directory = resolve(options.directory);
    const [bundle] = await Promise.all([
      bundleWorker(options.module ?? mainModule),
      mkdir(directory, { recursive: true }),
    ]);
    guardWorkerd();
    const miniflare = new Miniflare(miniflareOptions(options, bundle, directory));
    const url = await miniflare.ready;
    return new LocalRuntime(miniflare, url.origin);
  }

  /** As the Worker's cron trigger would: feeds of jobs begin. */
  async wakeFeeds(): Promise<void> {
    const worker = await this.#miniflare.getWorker();
    const { outcome } = await worker.scheduled();
    if (outcome !== "ok") throw new Error(`The feeds of jobs could not be woken: ${outcome}.`);
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

function miniflareOptions(
  {
    boundBuckets = { BUCKET: "weir" },
    buckets = [],
    port,
    queues = [],
    variables,
  }: LocalRuntimeOptions,
  bundle: WorkerBundle,
  directory: string,
) {
  return convertV4MiniflareOptions({
    name: "weir",
    host: "127.0.0.1",
    port,
    resourcePersistencePath: directory,
    modules: [{ type: "ESModule", path: "worker.js", contents: bundle.code }],
    compatibilityDate: COMPATIBILITY_DATE,
    bindings: { ...variables, WEIR_CODE_VERSION: bundle.hash },
    durableObjects: {
      SOURCE: { className: "Source", useSQLite: true },
      PARTITION: { className: "Partition", useSQLite: true },
      COORDINATOR: { className: "Coordinator", useSQLite: true },
    },
    r2Buckets: {
      ...boundBuckets,
      ...Object.fromEntries(buckets.map(boundAs)),
    },
    queueProducers: Object.fromEntries(queues.map(boundAs)),
    queueConsumers: Object.fromEntries(queues.map((name) => [name, queueConsumer])),
    logRequests: false,
    telemetry: { enabled: false },
  });
}

function boundAs(name: string): [binding: string, name: string] {
  return [name.toUpperCase(), name];
}
