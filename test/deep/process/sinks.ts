/**
 * Every kind of sink through rounds of kill -9: files in a bucket, a webhook whose server breaks
 * connections and answers 503, a queue, and other jobs, straight and over HTTP. Two jobs are posted to
 * without pause until the runtime is killed at a random moment. In the end the files, the webhooks
 * without their repeats, the messages without theirs and the counts of the other jobs are all exact.
 */
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { SinkListener, signingSecret } from "../../process/sink-listener.ts";
import {
  type Counts,
  countOf,
  countsOf,
  delivered,
  filesOf,
  wordsIn,
  wordsInFiles,
} from "../../process/sink-results.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { assertThat, inTemporaryDirectory } from "./proof-job.ts";
import type { Report } from "./proof-job.ts";

export interface SinksOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly report: Report;
}

const script = new URL("../../process/sink-runtime.ts", import.meta.url);
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const LONGEST_BODY = 300;
const SHORTEST_LIFE_MS = 500;
const LONGEST_LIFE_MS = 12_000;
/** A sink that failed often is asked again after minutes. */
const PATIENCE_MS = 300_000;

export async function run(options: SinksOptions): Promise<void> {
  const listener = await SinkListener.start(options.seed);
  try {
    await inTemporaryDirectory((directory) => prove(directory, listener, options));
  } finally {
    listener.stop();
  }
}

async function prove(
  directory: string,
  listener: SinkListener,
  { minutes, report, seed }: SinksOptions,
): Promise<void> {
  const random = new SeededRandom(seed);
  const posters = ["words", "kept"].map((job) => new Poster(job, random));
  const endsAt = performance.now() + minutes * 60_000;
  let kills = 0;
  while (performance.now() < endsAt) {
    const runtime = await start(directory, listener);
    const client = new WeirClient({ url: runtime.url });
    const posting = Promise.all(posters.map((poster) => poster.post(client)));
    await wait(SHORTEST_LIFE_MS + random.integer(LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    listener.runtime = undefined;
    await runtime.kill();
    await posting;
    kills++;
    report(`kill ${kills}: ${told(listener, posters)} (seed ${seed}).`);
    assertThat(listener.errors.length === 0, String(listener.errors[0]));
  }
  listener.isCalm = true;
  const runtime = await start(directory, listener);
  try {
    const client = new WeirClient({ url: runtime.url });
    for (const poster of posters) await poster.finish(client);
    const files = await proveResults(client, listener, posters);
    report(`${files} files and ${told(listener, posters)}: all exact after ${kills} kills.`);
  } finally {
    await runtime.kill();
  }
}

async function start(directory: string, listener: SinkListener): Promise<RuntimeProcess> {
  const variables = { LISTENER: listener.url, SIGNING: signingSecret };
  const runtime = await RuntimeProcess.start({ directory, script, variables });
  listener.runtime = runtime.url;
  return runtime;
}

/** Answers the number of files. */
async function proveResults(
  client: WeirClient,
  listener: SinkListener,
  [words, kept]: readonly Poster[],
): Promise<number> {
  await delivered(client, "words", PATIENCE_MS);
  await delivered(client, "kept", PATIENCE_MS);
  const files = await filesOf(client);
  const expected = countOf(words!.words);
  assertExact("the files", countOf(wordsInFiles(files)), expected);
  assertExact("the webhooks", countOf([...listener.bodies.values()].flatMap(wordsIn)), expected);
  assertExact("the job fed straight", await countsOf(client, "straight-counts"), expected);
  assertExact("the job fed over HTTP", await countsOf(client, "http-counts"), expected);
  assertExact("the messages", countOf([...listener.kept.values()]), countOf(kept!.words));
  assertThat(listener.errors.length === 0, String(listener.errors[0]));
  return files.size;
}

function assertExact(what: string, found: Counts, expected: Counts): void {
  const total = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
  assertThat(
    isDeepStrictEqual(new Map(Object.entries(found)), new Map(Object.entries(expected))),
    `Of ${total(expected)} words posted, ${what} hold ${total(found)}, or other ones.`,
  );
}

function told(
  { bodies, broken, kept, repeated }: SinkListener,
  posters: readonly Poster[],
): string {
  const words = posters.reduce((sum, poster) => sum + poster.words.length, 0);
  const unanswered = posters.reduce((sum, poster) => sum + poster.unanswered, 0);
  return (
    `${words} words posted (${unanswered} requests without an answer), ${bodies.size} webhooks and ` +
    `${kept.size} messages taken, ${repeated} repeated, ${broken} connections broken`
  );
}

/** Posts words to one job; a body that was not answered is sent again by the next call. */
class Poster {
  /** Answered ones. */
  readonly words: string[] = [];
  unanswered = 0;
  readonly #job: string;
  readonly #random: SeededRandom;
  #sequence = 0;
  #body: readonly string[] | undefined;

  constructor(job: string, random: SeededRandom) {
    this.#job = job;
    this.#random = random;
  }

  /** Until the connection breaks. */
  async post(client: WeirClient): Promise<void> {
    for (;;) {
      this.#body ??= this.#someWords();
      if (!(await this.#send(client, this.#body))) return;
      await wait(this.#random.integer(40));
    }
  }

  /** What has no answer yet. */
  async finish(client: WeirClient): Promise<void> {
    if (this.#body === undefined) return;
    assertThat(await this.#send(client, this.#body), "Nobody killed the runtime.");
  }

  async #send(client: WeirClient, body: readonly string[]): Promise<boolean> {
    try {
      await client.json(`/jobs/${this.#job}/lines`, {
        method: "POST",
        body: body.join("\n"),
        headers: { "Producer-Id": "sinks", "Producer-Sequence": String(this.#sequence) },
      });
    } catch (error) {
      // fetch reports every failure of the connection this way.
      if (!(error instanceof TypeError)) throw error;
      this.unanswered++;
      return false;
    }
    this.words.push(...body);
    this.#sequence++;
    this.#body = undefined;
    return true;
  }

  #someWords(): readonly string[] {
    const count = 1 + this.#random.integer(LONGEST_BODY);
    return Array.from({ length: count }, () => LETTERS.slice(this.#random.integer(20), 21));
  }
}
