/**
 * Steady load for half an hour with a kill every 20 s: it ends exact, and nothing grows with time but what is
 * counted: not the memory of workerd, not the log, not SQLite, not the bucket. Says every 10 s where it is.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { RuntimeStorage } from "../../support/runtime-storage.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { OutputFollower } from "./output-follower.ts";
import { assertThat, inTemporaryDirectory, JOB } from "./proof-job.ts";
import type { Report } from "./proof-job.ts";
import { proveEnd } from "./prove-end.ts";
import { startHalting } from "./start-halting.ts";
import { SteadyLoad } from "./steady-load.ts";
import { residentBytesOfWorkerd } from "./workerd-memory.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly linesPerSecond: number;
  readonly killEveryMs: number;
  readonly seed: number;
  readonly report: Report;
}

const MEBIBYTE = 1024 * 1024;
const SAMPLE_EVERY_MS = 10_000;

/** Far above what steady load needs, far below what half an hour of a leak of 1 % of the input would make. */
const LIMITS = {
  /** Worker, objects and runtime of one process: the pool of state alone may take 80 MiB. */
  residentBytes: 400 * MEBIBYTE,
  /** Two sources; 20 s of lines are 130 KB. */
  logBytes: 4 * MEBIBYTE,
  /** All databases of all objects; a minute of output is in one of them. */
  sqliteBytes: 32 * MEBIBYTE,
  /** Their write-ahead logs: the platform folds each one in at about 4 MiB. */
  journalBytes: 64 * MEBIBYTE,
  /** Objects while the sweep is behind by what kills left. */
  bucketObjects: 500,
} as const;

/** Kept for a minute, so that half an hour shows whether it goes. */
const variables = { OUTPUT_RETAIN_MS: "60000", WEIR_CHECKPOINT_INTERVAL_MS: "1000" };

type Sample = { -readonly [Name in keyof typeof LIMITS]: number };

export async function run(options: SoakOptions): Promise<void> {
  await inTemporaryDirectory((directory) => new Soak(directory, options).prove());
}

class Soak {
  readonly #directory: string;
  readonly #options: SoakOptions;
  readonly #storage: RuntimeStorage;
  readonly #load: SteadyLoad;
  readonly #follower = new OutputFollower();
  readonly #highest: Sample = {
    residentBytes: 0,
    logBytes: 0,
    sqliteBytes: 0,
    journalBytes: 0,
    bucketObjects: 0,
  };
  #samples = 0;

  constructor(directory: string, options: SoakOptions) {
    const random = new SeededRandom(options.seed);
    const { linesPerSecond } = options;
    this.#directory = directory;
    this.#options = options;
    this.#storage = new RuntimeStorage(directory);
    this.#load = new SteadyLoad({
      random,
      producers: 4,
      words: 2_000,
      linesPerBody: 10,
      linesPerSecond,
    });
  }

  async prove(): Promise<void> {
    const { killEveryMs, minutes, report } = this.#options;
    const began = performance.now();
    const endsAt = began + minutes * 60_000;
    let kills = 0;
    while (performance.now() < endsAt) {
      const runtime = await startHalting(this.#directory, { variables });
      const killAt = Math.min(performance.now() + killEveryMs, endsAt);
      await this.#spend(runtime, killAt);
      kills++;
    }
    const runtime = await startHalting(this.#directory, { variables });
    try {
      const client = new WeirClient({ url: runtime.url });
      const bucket = await proveEnd({
        client,
        directory: this.#directory,
        follower: this.#follower,
        load: this.#load,
      });
      await this.#sample(runtime);
      report(
        `${this.#load.lines} lines are counted exactly and ${this.#follower.records} results committed ` +
          `once after ${kills} kills; the bucket holds ${bucket.objects} objects, all referenced; ` +
          `highest of ${this.#samples} samples: ${told(this.#highest)}.`,
      );
    } finally {
      await runtime.kill();
    }
  }

  /** Posts until the kill, sampling on the way. */
  async #spend(runtime: RuntimeProcess, killAt: number): Promise<void> {
    const client = new WeirClient({ url: runtime.url });
    let isOver = false;
    const posting = this.#load.post(client, () => isOver);
    try {
      while (performance.now() < killAt) {
        await wait(Math.max(0, Math.min(SAMPLE_EVERY_MS, killAt - performance.now())));
        await this.#follower.read(client);
        await this.#sample(runtime);
      }
    } finally {
      // The kill comes while lines are posted: whether it is over is only asked between two of them.
      await runtime.kill();
      isOver = true;
      await posting;
    }
  }

  async #sample(runtime: RuntimeProcess): Promise<void> {
    const client = new WeirClient({ url: runtime.url });
    const description = await client.json<{
      readonly sources: readonly { readonly bytesKept: number }[];
      readonly checkpoint: { readonly latestCompleted: number };
    }>(`/jobs/${JOB}`);
    const sample: Sample = {
      residentBytes: residentBytesOfWorkerd(runtime.pid),
      logBytes: description.sources.reduce((sum, { bytesKept }) => sum + bytesKept, 0),
      ...this.#storage.databaseBytes(),
      bucketObjects: this.#storage.objects().length,
    };
    this.#samples++;
    const { lines, unanswered } = this.#load;
    this.#options.report(
      `${lines} lines, ${unanswered} without an answer, checkpoint ` +
        `${description.checkpoint.latestCompleted}; ${told(sample)}.`,
    );
    for (const name of Object.keys(LIMITS) as (keyof Sample)[]) {
      this.#highest[name] = Math.max(this.#highest[name], sample[name]);
      assertThat(
        sample[name] <= LIMITS[name],
        `${name} is ${sample[name]}: more than the ${LIMITS[name]} that steady load may take.`,
      );
    }
  }
}

function told({
  bucketObjects,
  journalBytes,
  logBytes,
  residentBytes,
  sqliteBytes,
}: Sample): string {
  const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  return (
    `workerd ${mebibytes(residentBytes)}, log ${mebibytes(logBytes)}, ` +
    `SQLite ${mebibytes(sqliteBytes)} and ${mebibytes(journalBytes)} of journals, ${bucketObjects} objects`
  );
}
