/**
 * Every Nexmark query on the whole runtime, which is killed with -9 at random moments while one producer posts the
 * events: the committed output, read from outside, equals the batch query's.
 */
import { setTimeout as wait } from "node:timers/promises";
import { batchQueries } from "../../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../../bench/nexmark/batch/comparable-lines.ts";
import type { ResultRow } from "../../../bench/nexmark/batch/result-row.ts";
import { generateEvents } from "../../../bench/nexmark/generator/generate-events.ts";
import type { QueryName } from "../../../bench/nexmark/query-names.ts";
import { verificationWorkload } from "../../../bench/nexmark/verification-workload.ts";
import { LineProducer } from "../../../cli/line-producer.ts";
import { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { endOfEventTime } from "../../nexmark/queries/end-of-event-time.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { assertThat, inTemporaryDirectory } from "../process/proof-job.ts";
import { readOutput } from "../process/read-output.ts";
import { assertEqualLines } from "./assert-equal-lines.ts";
import type { QueryResultsOptions } from "./query-results.ts";

const PARALLELISM = 4;
const KILLS = 4;
const LARGEST_BODY_LINES = 4_000;
/** Query 12 counts by windows of this much of real time: the last one has to end. */
const PROCESSING_TIME_WINDOW_MS = 10_000;

/** About half an hour. Throws at the first result that differs. */
export async function run(options: QueryResultsOptions): Promise<void> {
  const { seed, queries, eventCount } = options;
  const events = [...generateEvents({ ...verificationWorkload, seed, eventCount })];
  const lines = events.map((event) => JSON.stringify(event));
  for (const query of queries) {
    const expected = comparableLines(query, batchQueries[query](events));
    await inTemporaryDirectory((directory) =>
      new KilledQuery(query, directory, options).prove(lines, expected),
    );
  }
}

class KilledQuery {
  readonly #query: QueryName;
  readonly #directory: string;
  readonly #options: QueryResultsOptions;
  readonly #random: SeededRandom;

  constructor(query: QueryName, directory: string, options: QueryResultsOptions) {
    this.#query = query;
    this.#directory = directory;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async prove(lines: readonly string[], expected: readonly string[]): Promise<void> {
    const began = performance.now();
    const producer = new LineProducer({
      id: "nexmark",
      job: this.#job,
      bodies: this.#bodies(lines),
      answered: (bytes) => this.#answered(bytes),
    });
    for (let kill = 1; kill <= KILLS; kill++) await this.#postUntilKilled(producer, kill);
    const runtime = await this.#start();
    try {
      const client = new WeirClient({ url: runtime.url });
      assertThat(await producer.post(client), "The runtime ended by itself.");
      const rows = await this.#committedRows(client);
      assertEqualLines(`${this.#query} killed ${KILLS} times, seed ${this.#options.seed}`, {
        expected,
        actual: comparableLines(this.#query, rows),
      });
    } finally {
      await runtime.kill();
    }
    const seconds = (performance.now() - began) / 1000;
    this.#options.report(
      `${this.#query}: ${expected.length} lines equal the batch result after ${KILLS} kills, ` +
        `${producer.unanswered} of which hit a request; ${seconds.toFixed(0)} s.`,
    );
  }

  get #job(): string {
    return `nexmark-${this.#query}`;
  }

  #bytesAnswered = 0;
  #bytes = 0;
  #threshold: { readonly bytes: number; readonly reached: () => void } | undefined;

  #answered(bytes: number): void {
    this.#bytesAnswered += bytes;
    if (this.#threshold !== undefined && this.#bytesAnswered >= this.#threshold.bytes) {
      this.#threshold.reached();
    }
  }

  async #postUntilKilled(producer: LineProducer, kill: number): Promise<void> {
    const runtime = await this.#start();
    const { promise, resolve } = Promise.withResolvers<void>();
    const bytes = (this.#bytes * (kill - this.#random.next())) / (KILLS + 1);
    this.#threshold = { bytes, reached: resolve };
    const posting = producer.post(new WeirClient({ url: runtime.url }));
    await Promise.race([promise, posting]);
    await wait(this.#random.integer(200));
    await runtime.kill();
    await posting;
  }

  #start(): Promise<RuntimeProcess> {
    return RuntimeProcess.start({
      directory: this.#directory,
      script: new URL("query-runtime.ts", import.meta.url),
      variables: { QUERY: this.#query, PARALLELISM: String(PARALLELISM) },
    });
  }

  #bodies(lines: readonly string[]): Uint8Array<ArrayBuffer>[] {
    const encoder = new TextEncoder();
    const bodies: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; from < lines.length;) {
      const count = this.#random.between(1, LARGEST_BODY_LINES);
      bodies.push(encoder.encode(`${lines.slice(from, from + count).join("\n")}\n`));
      from += count;
    }
    bodies.push(encoder.encode(`${JSON.stringify(endOfEventTime)}\n`));
    this.#bytes = bodies.reduce((sum, { length }) => sum + length, 0);
    return bodies;
  }

  async #committedRows(client: WeirClient): Promise<readonly ResultRow[]> {
    if (this.#query === "q12") await wait(PROCESSING_TIME_WINDOW_MS);
    await this.#takeCheckpoint(client);
    const output = await readOutput(client, this.#job, 0);
    // A ranking comes as one value, its rows in order.
    return output.flatMap(({ value }) => value as ResultRow | ResultRow[]);
  }

  /** Of everything accepted, however long the backlog takes. */
  async #takeCheckpoint(client: WeirClient): Promise<void> {
    for (;;) {
      const path = `/jobs/${this.#job}/checkpoints?wait=60`;
      const { status } = await client.postJson<{ status: string }>(path);
      if (status === "COMPLETED") return;
      assertThat(status === "IN_PROGRESS", `A checkpoint of ${this.#job} is ${status}.`);
    }
  }
}
