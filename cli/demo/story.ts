/** The demonstration, act by act. */
import pc from "picocolors";
import { countWords } from "../../bench/texts.ts";
import { LineProducer } from "../line-producer.ts";
import { type Bill, billTable } from "../output/bill-table.ts";
import { compareCounts, showDifferences } from "../output/compare-counts.ts";
import { createTable } from "../output/create-table.ts";
import { formatBytes, formatCount, formatDuration, formatShare } from "../output/format.ts";
import { RuntimeProcess } from "../runtime-process.ts";
import { WeirClient } from "../weir-client.ts";
import { CheckpointWatch, type CompletedCheckpoint } from "./checkpoint-watch.ts";
import type { DemoText } from "./demo-text.ts";
import type { Screen } from "./screen.ts";

export interface StoryOptions {
  readonly text: DemoText;
  readonly screen: Screen;
  /** Where the runtime keeps its state. */
  readonly directory: string;
}

const JOB = "wordcount";
const PRODUCERS = 4;
const CHECKPOINT_INTERVAL_MS = 1_000;
const TOP_WORDS = 10;
const LAST_LINE = "to be or not to be, that is the question";

export class Story {
  readonly #options: StoryOptions;
  readonly #producers: readonly LineProducer[];
  readonly #watch: CheckpointWatch;
  #halfWay: (() => void) | undefined;

  constructor(options: StoryOptions) {
    const { screen, text } = options;
    this.#options = options;
    this.#watch = new CheckpointWatch((checkpoint) => this.#showCheckpoint(checkpoint));
    this.#producers = Array.from(
      { length: PRODUCERS },
      (_, index) =>
        new LineProducer({
          id: `demo-${index + 1}`,
          job: JOB,
          bodies: text.bodies.filter((_body, place) => place % PRODUCERS === index),
          answered: (bytes) => {
            screen.posted(bytes);
            if (screen.share >= 0.5) this.#halfWay?.();
          },
        }),
    );
  }

  /** Answers whether every count was exact. */
  async tell(): Promise<boolean> {
    this.#introduce();
    const first = await this.#start("Weir is ready");
    await this.#postUntilKilled(first);
    const second = await this.#start("Weir is ready again");
    try {
      const client = new WeirClient({ url: second.url });
      await this.#postRest(client);
      await this.#postOneLine(client);
      const isExact = await this.#judge(client);
      await this.#showTopWords(client);
      await this.#showBill(client);
      return isExact;
    } finally {
      await second.stop();
    }
  }

  #introduce(): void {
    const { text, screen } = this.#options;
    screen.heading("Weir in one minute");
    const rounds = text.rounds === 1 ? "" : `, ${text.rounds} times over`;
    screen.line(`  ${formatBytes(text.bytes)} of text (${text.name})${rounds}`);
    screen.line(
      `  ${PRODUCERS} producers → log → count by word → 4 partitions → checkpoints in R2`,
    );
    screen.line();
  }

  async #start(what: string): Promise<RuntimeProcess> {
    const began = performance.now();
    const runtime = await RuntimeProcess.start({
      directory: this.#options.directory,
      parameters: ["--checkpoint-interval", String(CHECKPOINT_INTERVAL_MS)],
      // The demonstration talks to a runtime of its own, whatever tokens this machine knows.
      variables: { WEIR_TOKEN: "", WEIR_INGEST_TOKEN: "", WEIR_READ_TOKEN: "" },
    });
    const duration = formatDuration(performance.now() - began);
    this.#options.screen.done(`${what} at ${pc.underline(runtime.url)} after ${duration}.`);
    return runtime;
  }

  async #postUntilKilled(runtime: RuntimeProcess): Promise<void> {
    const { screen } = this.#options;
    const client = new WeirClient({ url: runtime.url });
    const { promise: halfWay, resolve } = Promise.withResolvers<void>();
    this.#halfWay = resolve;
    screen.startBar();
    const posting = Promise.all(this.#producers.map((producer) => producer.post(client)));
    const watching = this.#watch.follow(client, JOB, new AbortController().signal);
    await Promise.race([halfWay, posting]);
    await runtime.kill();
    await Promise.all([posting, watching]);
    screen.endBar();
    const hit = this.#producers.reduce((sum, { unanswered }) => sum + unanswered, 0);
    screen.broken(
      `${pc.bold("kill -9")} of the whole runtime at ${formatShare(screen.share)}, ${hit} requests unanswered: ` +
        `nobody knows whether their lines are in.`,
    );
  }

  async #postRest(client: WeirClient): Promise<void> {
    const { screen } = this.#options;
    screen.line(
      "    State is restored by its metadata; the producers send again what was not answered.",
    );
    screen.startBar();
    const ended = new AbortController();
    const watching = this.#watch.follow(client, JOB, ended.signal);
    await Promise.all(this.#producers.map((producer) => producer.post(client)));
    await client.postJson(`/jobs/${JOB}/checkpoints?wait=60`);
    ended.abort();
    await watching;
    await this.#watch.look(client, JOB);
    screen.endBar();
  }

  /** What incremental means: a checkpoint costs what changed, not what there is. */
  async #postOneLine(client: WeirClient): Promise<void> {
    const { screen } = this.#options;
    screen.line(`    One more line is posted: ${pc.italic(LAST_LINE)}`);
    await client.json(`/jobs/${JOB}/lines`, { method: "POST", body: LAST_LINE });
    await client.postJson(`/jobs/${JOB}/checkpoints?wait=60`);
    await this.#watch.look(client, JOB);
  }

  async #judge(client: WeirClient): Promise<boolean> {
    const { screen, text } = this.#options;
    screen.heading("The verdict");
    const found = new Map<string, number>();
    for await (const { key, value } of client.scan(JOB, "counts", { limit: "10000" })) {
      found.set(String(key), value as number);
    }
    const expected = new Map(text.counts);
    for (const [word, count] of countWords(LAST_LINE)) {
      expected.set(word, (expected.get(word) ?? 0) + count);
    }
    const words = [...expected.values()].reduce((sum, count) => sum + count, 0);
    const differences = compareCounts(found, expected);
    if (differences.length === 0) {
      screen.done(
        pc.green(
          `EXACT: all ${formatCount(expected.size)} counts equal an independent count of ` +
            `${formatCount(words)} words. None lost, none counted twice.`,
        ),
      );
      return true;
    }
    screen.broken(
      pc.red(
        `WRONG: ${formatCount(differences.length)} of ${formatCount(expected.size)} counts differ ` +
          `from an independent count: ${showDifferences(differences)}.`,
      ),
    );
    return false;
  }

  async #showTopWords(client: WeirClient): Promise<void> {
    const { screen } = this.#options;
    screen.heading("The top words");
    const table = createTable({ colAligns: ["right", "left", "right", "left"], isDense: true });
    const query = { order: "value-desc", limit: String(TOP_WORDS) };
    let rank = 0;
    let largest = 1;
    for await (const { key, value } of client.scan(JOB, "counts", query)) {
      if (rank === 0) largest = Number(value);
      rank++;
      const bar = "▇".repeat(Math.max(1, Math.round((30 * Number(value)) / largest)));
      table.push([rank, String(key), formatCount(Number(value)), pc.cyan(bar)]);
      if (rank === TOP_WORDS) break;
    }
    screen.line(table.toString());
  }

  async #showBill(client: WeirClient): Promise<void> {
    const { screen } = this.#options;
    screen.heading("The bill, estimated from counted operations at list prices");
    screen.line(billTable(await client.json<Bill & Record<string, unknown>>(`/jobs/${JOB}/cost`)));
    screen.line();
  }

  #showCheckpoint(checkpoint: CompletedCheckpoint): void {
    const { id, checkpointed_size, state_size, end_to_end_duration, put_operations } = checkpoint;
    const share = state_size === 0 ? 0 : checkpointed_size / state_size;
    this.#options.screen.done(
      `checkpoint ${String(id).padEnd(3)} ${formatBytes(checkpointed_size).padStart(8)} new ` +
        `of ${formatBytes(state_size).padStart(8)}  ${pc.dim(
          `(${formatShare(share)}, ${put_operations} ${put_operations === 1 ? "PUT" : "PUTs"}, ${formatDuration(end_to_end_duration)})`,
        )}`,
    );
  }
}
