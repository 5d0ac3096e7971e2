/**
 * All feeds of one source: what of a job's input this source reads by itself.
 *
 * Promise: while the job runs, each feed that has not ended is either at work, or is woken when its time
 * has come. What they do is bounded per invocation [32].
 */
import type { PulledFeed } from "../../../dataflow/feeds/feed.ts";
import { isBounded, pulledFeedsOf } from "../../../dataflow/feeds/feed.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import type { Inputs } from "../../inputs.ts";
import type { ObjectContext } from "../../object-context.ts";
import type { Appender } from "../appender.ts";
import { alarmPeriodMs } from "../appender.ts";
import type { OperationCounter } from "../operations.ts";
import type { FeedReader } from "./feed-reader.ts";
import { FeedRows } from "./feed-rows.ts";
import { FeedRun } from "./feed-run.ts";
import type { FeedEvents, Slice } from "./feed-run.ts";
import { GeneratorReader } from "./generator-reader.ts";
import { sourceOfObject } from "./object-list.ts";
import { ObjectsReader } from "./objects-reader.ts";
import { PollReader } from "./poll-reader.ts";

export interface SourceFeedsOptions {
  readonly context: ObjectContext;
  readonly inputs: Inputs;
  readonly job: JobGraph;
  readonly source: number;
  readonly appender: Pick<Appender, "appendFed">;
  readonly operations: OperationCounter;
  readonly events: FeedEvents;
}

/** How far a feed is on one source, for people. */
export type FeedProgress = Readonly<Record<string, string | number | boolean | null>>;

const sliceBytes = 16 * 1024 * 1024;
const largestAnswerBytes = 16 * 1024 * 1024;

export class SourceFeeds {
  readonly #options: SourceFeedsOptions;
  readonly #feeds: readonly PulledFeed[];
  readonly #rows: FeedRows;
  readonly #slice: Slice = { left: sliceBytes };
  /** Empty while the job does not run. */
  #runs: readonly FeedRun[] = [];

  constructor(options: SourceFeedsOptions) {
    const { context, job, source } = options;
    this.#options = options;
    this.#rows = new FeedRows(context.sql);
    this.#feeds = pulledFeedsOf(job).filter(
      (feed) => feed.kind !== "poll" || sourceOfObject(feed.name, job.options.sources) === source,
    );
  }

  /** No line will come any more, from anywhere. */
  get hasEnded(): boolean {
    return (
      isBounded(this.#options.job) &&
      this.#feeds.every(({ name }) => this.#rows.read(name).hasEnded)
    );
  }

  get progress(): readonly FeedProgress[] {
    const runs = this.#runs.length > 0 ? this.#runs : this.#createRuns();
    return runs.map((run) => run.describe());
  }

  /** When the object has to be awake for its feeds at the latest; undefined: not for them. */
  get wakeAt(): number | undefined {
    if (this.#runs.length === 0) return this.#wakeToBegin;
    const times = this.#runs.flatMap(({ wakeAt }) => (wakeAt === undefined ? [] : [wakeAt]));
    if (times.length === 0) return undefined;
    const now = this.#options.context.environment.now();
    const next = Math.min(...times);
    return next > now ? next : now + alarmPeriodMs;
  }

  /** The job runs: everything goes on from what is durable. */
  start(): void {
    this.stop();
    this.#slice.left = sliceBytes;
    this.#runs = this.#createRuns();
    this.goOn();
  }

  #createRuns(): readonly FeedRun[] {
    const { appender, context, events } = this.#options;
    return this.#feeds.map(
      (feed) =>
        new FeedRun({
          context,
          name: feed.name,
          rows: this.#rows,
          appender,
          slice: this.#slice,
          open: (progress) => this.#open(feed, progress),
          events,
        }),
    );
  }

  stop(): void {
    for (const run of this.#runs) run.stop();
    this.#runs = [];
  }

  /** A new invocation of the object has begun: its work is bounded anew [32]. */
  refillSlice(): void {
    this.#slice.left = sliceBytes;
  }

  /** There may be room in the log, or time has passed. */
  goOn(): void {
    for (const run of this.#runs) run.go();
  }

  /** Without memory of its feeds, the source has to attach before any of them goes on. */
  get #wakeToBegin(): number | undefined {
    const isDone = this.#feeds.every(({ name }) => this.#rows.read(name).hasEnded);
    return isDone ? undefined : this.#options.context.environment.now() + alarmPeriodMs;
  }

  #open(feed: PulledFeed, progress: object | undefined): FeedReader {
    const { context, inputs, job, operations, source } = this.#options;
    const { logLimitBytes, sources } = job.options;
    const { isUtf8 } = inputs;
    const now = () => context.environment.now();
    switch (feed.kind) {
      case "generator":
        return new GeneratorReader({ feed, source, sources, now, isUtf8, progress });
      case "poll": {
        const answerLimitBytes = Math.min(largestAnswerBytes, Math.floor(logLimitBytes / 2));
        return new PollReader({ feed, context, inputs, answerLimitBytes, progress });
      }
      case "r2Objects":
        return new ObjectsReader({ feed, context, inputs, operations, source, sources, progress });
    }
  }
}
