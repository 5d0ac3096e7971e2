/**
 * A source: the replayable log of a job, and the pump that moves its lines to the partitions.
 *
 * Promise: a line answered as appended is durable, keeps its number and reaches every channel exactly
 * once by the receiver's count; a checkpoint has one offset for all channels. What is not in SQLite is
 * learned anew after a loss of memory. Appending waits neither for the pump nor for the coordinator.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type {
  AppendAnswer,
  AppendMessagesAnswer,
  AppendMessagesRequest,
  AppendRequest,
  CheckpointCompleted,
  CheckpointTrigger,
  JobStatus,
  Position,
  RewindAnswer,
  RewindRequest,
  SourceCalls,
  SourceReport,
  TriggerAnswer,
} from "../messages.ts";
import { noInputs } from "../inputs.ts";
import type { Inputs } from "../inputs.ts";
import type { ObjectContext } from "../object-context.ts";
import { Appender } from "./appender.ts";
import { Attachment } from "./attachment.ts";
import type { Attached } from "./attachment.ts";
import { taskFailure } from "./failure.ts";
import { QueueFeeds } from "./feeds/queue-feeds.ts";
import { SourceFeeds } from "./feeds/source-feeds.ts";
import { IdleMark } from "./idle-mark.ts";
import { SourceLog } from "./log.ts";
import { OperationCounter } from "./operations.ts";
import { furtherPosition, lineStart } from "./position.ts";
import { Pump } from "./pump.ts";
import { Reporter } from "./reporter.ts";
import { createSourceTables } from "./schema.ts";
import { SourceAlarm } from "./source-alarm.ts";
import type { AlarmFacts } from "./source-alarm.ts";
import { SourceFigures } from "./source-figures.ts";
import { isLive, readStanding, withAttached, withCompleted, withPending } from "./standing.ts";
import type { PendingCheckpoint, Standing } from "./standing.ts";
import { StandingKeeper } from "./standing-keeper.ts";
import { ProcessedWaiters } from "./waiters.ts";

const retryMs = 100;
const retryWhenUnavailableSeconds = 10;

export class SourceTask implements SourceCalls {
  readonly #context: ObjectContext;
  readonly #job: JobGraph;
  readonly #index: number;
  readonly #log: SourceLog;
  readonly #appender: Appender;
  readonly #attachment: Attachment;
  readonly #reporter: Reporter;
  readonly #operations = new OperationCounter();
  readonly #waiters: ProcessedWaiters;
  readonly #idleMark: IdleMark;
  readonly #feeds: SourceFeeds;
  readonly #queues: QueueFeeds;
  readonly #alarm: SourceAlarm;
  /** How far it is. */
  readonly figures: SourceFigures;
  readonly #standings: StandingKeeper;
  /** Absent until attached, and while the job does not run. */
  #pump: Pump | undefined;
  /** Why the pump stopped; told again until the coordinator says how to go on. */
  #failure: unknown;
  /** The furthest any channel was cut, ever; after a loss of memory it may have been anything accepted by then. */
  #furthest: Position;

  constructor(context: ObjectContext, job: JobGraph, index: number, inputs: Inputs = noInputs) {
    this.#context = context;
    this.#job = job;
    this.#index = index;
    createSourceTables(context.sql);
    const standing = readStanding(context.sql);
    this.#log = new SourceLog(context.sql, standing.emptyEnd);
    this.#furthest = lineStart(this.#log.end.line);
    const operations = this.#operations;
    this.#standings = new StandingKeeper({ context, log: this.#log, operations, standing });
    const { logLimitBytes } = job.options;
    this.#appender = new Appender({ context, log: this.#log, operations, logLimitBytes });
    this.#waiters = new ProcessedWaiters(context, () => this.figures.processed);
    this.#idleMark = new IdleMark({
      context,
      job,
      end: () => this.#log.end,
      hasEnded: () => this.#feeds.hasEnded,
      pump: () => this.#pump,
    });
    this.#alarm = new SourceAlarm({ context, operations, facts: () => this.#alarmFacts });
    this.#queues = new QueueFeeds({ context, inputs, job, appender: this.#appender });
    this.#feeds = new SourceFeeds({
      context,
      inputs,
      job,
      source: index,
      appender: this.#appender,
      operations,
      events: {
        appended: () => this.#inBackground("pumping lines of a feed", () => this.#appended()),
        changed: () => {
          this.#reporter.feedsChanged();
          if (this.#feeds.hasEnded) this.#idleMark.ended();
        },
        waits: () => this.#alarm.ensure(),
        sliceUsedUp: () => this.#alarm.set(this.#context.environment.now()),
        failed: (error) => {
          this.#stopPump();
          this.#failed(error);
        },
      },
    });
    this.figures = new SourceFigures({
      job,
      source: index,
      log: this.#log,
      standings: this.#standings,
      operations,
      feeds: this.#feeds,
      pump: () => this.#pump,
    });
    this.#reporter = new Reporter(context, operations, this.figures);
    this.#attachment = new Attachment({
      context,
      operations,
      source: index,
      onAttached: (answer) => this.#onAttached(answer),
      onWait: (status) => this.#onWait(status),
    });
  }

  // ------------------------------------------------------------ calls

  async append(request: AppendRequest): Promise<AppendAnswer> {
    const { status } = this.#standing;
    if (!isLive(status)) {
      return { kind: "unavailable", status, retryAfterSeconds: retryWhenUnavailableSeconds };
    }
    this.#context.crashPoint("source: before append");
    const answer = this.#appender.append(request);
    this.#context.crashPoint("source: after append");
    if (answer.kind === "appended" && answer.added > 0) {
      this.#inBackground("pumping appended lines", () => this.#appended());
    }
    return answer;
  }

  async appendMessages(request: AppendMessagesRequest): Promise<AppendMessagesAnswer> {
    const { status } = this.#standing;
    if (!isLive(status)) {
      return { kind: "unavailable", status, retryAfterSeconds: retryWhenUnavailableSeconds };
    }
    const answer = this.#queues.append(request);
    if (answer.kind === "full") {
      return { kind: "full", retryAfterSeconds: retryWhenUnavailableSeconds };
    }
    if (answer.added > 0) {
      this.#inBackground("pumping messages of a queue", () => this.#appended());
    }
    return answer;
  }

  async rewind({ task, attempt, generation }: RewindRequest): Promise<RewindAnswer> {
    const pump = this.#pump;
    if (generation < this.#standing.generation) return this.#staleGeneration();
    if (pump === undefined || generation > pump.generation) {
      // The partition asks again; meanwhile this source learns of the generation.
      if (isLive(this.#standing.status)) this.#attachment.ask(generation);
      return { kind: "notReady", retryAfterMs: retryMs };
    }
    pump.refillSlice();
    const furthest = pump.rewind(task, attempt);
    return furthest === undefined ? this.#staleGeneration() : { kind: "rewound", furthest };
  }

  async triggerCheckpoint(trigger: CheckpointTrigger): Promise<TriggerAnswer> {
    const pump = this.#pump;
    if (trigger.generation > this.#standing.generation) this.#attachment.ask(trigger.generation);
    else if (pump === undefined) this.#goOn();
    const newest = Math.max(this.#standing.completed, this.#standing.pending?.checkpoint ?? 0);
    if (
      pump === undefined ||
      !pump.isReady ||
      trigger.generation !== pump.generation ||
      trigger.checkpoint < newest ||
      trigger.checkpoint === this.#standing.completed
    ) {
      return { kind: "notReady", retryAfterMs: retryMs };
    }
    const pending = this.#begin(trigger, pump);
    this.#inBackground("sending barriers", () => {
      this.#pump?.refillSlice();
      this.#pump?.advance();
    });
    const { offset, watermark } = pending;
    const state = { source: this.#index, offset, watermark };
    return { kind: "triggered", state, report: this.figures.report() };
  }

  async abortCheckpoint(request: { generation: number; checkpoint: number }): Promise<void> {
    const { pending } = this.#standing;
    if (pending?.checkpoint !== request.checkpoint) return;
    this.#standings.write({ ...this.#standing, pending: null });
    this.#pump?.setPending(null);
    this.#inBackground("going on after an aborted checkpoint", () => this.#goOn());
  }

  async completeCheckpoint(request: CheckpointCompleted): Promise<void> {
    const { generation, checkpoint, offset, truncateBefore } = request;
    if (generation !== this.#standing.generation || offset === undefined) return;
    this.#pump?.completed(offset);
    this.#standings.write(withCompleted(this.#standing, checkpoint, offset), truncateBefore);
    this.#pump?.setPending(this.#standing.pending);
    this.#appender.prune();
    this.#alarm.clearIfNotNeeded();
    this.#reporter.startOver();
    this.#feeds.goOn();
  }

  async enter({ generation, status }: { generation: number; status: JobStatus }): Promise<void> {
    const newest = Math.max(this.#standing.generation, this.#attachment.newest);
    if (generation < newest || this.#isIn(generation, status)) return;
    this.#stopPump();
    this.#failure = undefined;
    if (status !== this.#standing.status) this.#standings.write({ ...this.#standing, status });
    if (!isLive(status)) return this.#attachment.cease(generation);
    this.#alarm.ensure();
    this.#attachment.renew(generation);
  }

  async awaitProcessed(request: { line: number; timeoutMs: number }): Promise<SourceReport> {
    this.#inBackground("processing lines that are waited for", () => this.#goOn());
    await this.#waiters.wait(request.line, request.timeoutMs);
    return this.figures.describe();
  }

  /** The net under everything that is lost: sets itself again first, then does what is due, and never throws [27]. */
  async alarm(): Promise<void> {
    try {
      const next = this.#alarm.wantedAt;
      if (next === undefined) return;
      this.#alarm.set(next);
      if (this.#failure !== undefined) this.#tellFailure();
      this.#feeds.refillSlice();
      this.#goOn();
      this.#feeds.goOn();
      this.#reporter.startOver();
      if (this.figures.hasEndToTell) this.#reporter.feedsChanged();
    } catch (error) {
      this.#context.reportError(error, `running the alarm of source ${this.#index}`);
    }
  }

  // ------------------------------------------------------------ attached or not

  get #standing(): Standing {
    return this.#standings.current;
  }

  #goOn(): void {
    if (this.#failure !== undefined || !isLive(this.#standing.status)) return;
    if (this.#pump === undefined) {
      this.#attachment.ask();
      return;
    }
    this.#pump.refillSlice();
    this.#pump.advance();
    this.#waiters.check();
  }

  #onAttached(answer: Attached): void {
    this.#stopPump();
    this.#failure = undefined;
    this.#standings.write(withAttached(this.#standing, answer), answer.truncateBefore);
    if (!isLive(answer.status)) return;
    this.#alarm.ensure();
    this.#pump = this.#createPump(answer);
    this.#pump.start(this.#standing.pending);
    this.#reporter.startOver();
    this.#idleMark.watch();
    this.#feeds.start();
    if (this.figures.hasEndToTell) this.#reporter.feedsChanged();
  }

  #createPump({ generation, parallelism, restored, givenUp }: Attached): Pump {
    return new Pump({
      context: this.#context,
      job: this.#job,
      log: this.#log,
      operations: this.#operations,
      source: this.#index,
      generation,
      parallelism,
      startLine: restored.offset,
      startWatermark: restored.watermark,
      givenUp,
      furthest: this.#furthest,
      events: {
        progressed: () => this.#waiters.check(),
        sliceUsedUp: () => this.#alarm.set(this.#context.environment.now()),
        staleGeneration: (newer) => {
          this.#stopPump();
          this.#attachment.ask(newer);
        },
        failed: (error) => this.#failed(error),
      },
    });
  }

  #onWait(status: JobStatus): boolean {
    this.#stopPump();
    if (status !== this.#standing.status) this.#standings.write({ ...this.#standing, status });
    return isLive(status);
  }

  #stopPump(): void {
    if (this.#pump === undefined) return;
    this.#furthest = furtherPosition(this.#furthest, this.#pump.furthestEver);
    this.#pump.stop();
    this.#pump = undefined;
    this.#reporter.stop();
    this.#idleMark.stop();
    this.#feeds.stop();
  }

  #failed(error: unknown): void {
    this.#failure = error;
    this.#tellFailure();
    this.#alarm.ensure();
  }

  #tellFailure(): void {
    const { generation } = this.#standing;
    const failure = taskFailure(this.#failure, {
      job: this.#job.name,
      source: this.#index,
      generation,
    });
    this.#operations.addRequest();
    const told = this.#context.peers.coordinator().fail(failure);
    // A coordinator that cannot be reached is told again by the alarm.
    this.#context.keepAlive(told.catch(() => undefined));
  }

  /** Fixes the offset of a checkpoint, once [2]. */
  #begin(trigger: CheckpointTrigger, pump: Pump): PendingCheckpoint {
    const { pending } = this.#standing;
    if (pending?.checkpoint === trigger.checkpoint) return pending;
    const { line, record } = pump.reach;
    const offset = record === 0 ? line : line + 1;
    const begun: PendingCheckpoint = { ...trigger, offset, watermark: pump.watermarkAt(offset) };
    this.#context.crashPoint("source: before checkpoint offset");
    this.#standings.write(withPending(this.#standing, begun));
    this.#alarm.ensure();
    this.#context.crashPoint("source: after checkpoint offset");
    pump.setPending(begun);
    return begun;
  }

  /** Lines came in. */
  #appended(): void {
    this.#goOn();
    this.#reporter.appended();
    this.#idleMark.watch();
  }

  get #alarmFacts(): AlarmFacts {
    return {
      standing: this.#standing,
      endLine: this.#log.end.line,
      deliveredLine: this.#pump?.deliveredLine,
      hasNews: this.#failure !== undefined || this.figures.hasEndToTell,
      feedsWakeAt: this.#feeds.wakeAt,
    };
  }

  /** Whether this source acts in that generation and status already: the call is a repeat. */
  #isIn(generation: number, status: JobStatus): boolean {
    const isActive = this.#pump?.generation === generation && this.#failure === undefined;
    return isActive && status === this.#standing.status;
  }

  #staleGeneration(): RewindAnswer {
    return { kind: "staleGeneration", generation: this.#standing.generation };
  }

  /** Runs `work` after the caller's answer, and keeps the object alive for it. */
  #inBackground(doing: string, work: () => void | Promise<void>): void {
    this.#context.keepAlive(
      Promise.resolve()
        .then(work)
        .catch((error: unknown) => this.#context.reportError(error, doing)),
    );
  }
}
