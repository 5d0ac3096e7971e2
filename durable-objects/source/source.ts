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
  AppendRequest,
  CheckpointCompleted,
  CheckpointTrigger,
  JobStatus,
  OperationCounts,
  Position,
  RewindAnswer,
  RewindRequest,
  SourceCalls,
  SourceReport,
  TriggerAnswer,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import { Appender, alarmPeriodMs } from "./appender.ts";
import { Attachment } from "./attachment.ts";
import type { Attached } from "./attachment.ts";
import { taskFailure } from "./failure.ts";
import { IdleMark } from "./idle-mark.ts";
import { SourceLog } from "./log.ts";
import { OperationCounter } from "./operations.ts";
import { furtherPosition, lineStart } from "./position.ts";
import { Pump } from "./pump.ts";
import { Reporter } from "./reporter.ts";
import type { ReporterSource } from "./reporter.ts";
import { createSourceTables } from "./schema.ts";
import { isLive, readStanding, withAttached, withCompleted, withPending } from "./standing.ts";
import type { PendingCheckpoint, Standing } from "./standing.ts";
import { StandingKeeper } from "./standing-keeper.ts";
import { ProcessedWaiters } from "./waiters.ts";

const retryMs = 100;
const retryWhenUnavailableSeconds = 10;
const noOperations: OperationCounts = { classA: 0, classB: 0, rowsWritten: 0, requests: 0 };

export class SourceTask implements SourceCalls, ReporterSource {
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
  readonly #standings: StandingKeeper;
  /** Absent until attached, and while the job does not run. */
  #pump: Pump | undefined;
  /** Why the pump stopped; told again until the coordinator says how to go on. */
  #failure: unknown;
  /** The furthest any channel was cut, ever; after a loss of memory it may have been anything accepted by then. */
  #furthest: Position;

  constructor(context: ObjectContext, job: JobGraph, index: number) {
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
    this.#reporter = new Reporter(context, operations, this);
    this.#waiters = new ProcessedWaiters(context, () => this.#processed());
    this.#idleMark = new IdleMark({
      context,
      job,
      end: () => this.#log.end,
      pump: () => this.#pump,
    });
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
      this.#inBackground("pumping appended lines", () => {
        this.#goOn();
        this.#reporter.appended();
        this.#idleMark.watch();
      });
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
    return { kind: "triggered", state, report: this.report() };
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
    if (!this.#needsAlarm()) this.#context.alarm.clear();
    this.#reporter.startOver();
  }

  async enter({ generation, status }: { generation: number; status: JobStatus }): Promise<void> {
    if (generation < this.#standing.generation || this.#isIn(generation, status)) return;
    this.#stopPump();
    this.#failure = undefined;
    if (status !== this.#standing.status) this.#standings.write({ ...this.#standing, status });
    if (!isLive(status)) return;
    this.#ensureAlarm();
    this.#attachment.renew(generation);
  }

  async awaitProcessed(request: { line: number; timeoutMs: number }): Promise<SourceReport> {
    this.#inBackground("processing lines that are waited for", () => this.#goOn());
    await this.#waiters.wait(request.line, request.timeoutMs);
    return this.#describe(noOperations);
  }

  /** The net under everything that is lost: sets itself again first, then does what is due, and never throws [27]. */
  async alarm(): Promise<void> {
    try {
      if (!this.#needsAlarm()) return;
      this.#setAlarm(alarmPeriodMs);
      if (this.#failure !== undefined) this.#tellFailure();
      this.#goOn();
      this.#reporter.startOver();
    } catch (error) {
      this.#context.reportError(error, `running the alarm of source ${this.#index}`);
    }
  }

  // ------------------------------------------------------------ what the reporter asks

  get hasUncovered(): boolean {
    return this.#log.end.line > this.#standing.covered;
  }

  get isProcessed(): boolean {
    return this.#processed() === this.#log.end.line;
  }

  get isHalfFull(): boolean {
    return this.#log.bytesKept > this.#job.options.logLimitBytes / 2;
  }

  get canReport(): boolean {
    return this.#pump !== undefined;
  }

  /** Takes the operations counted since the last report with it. */
  report(): SourceReport {
    return this.#describe(this.#operations.take());
  }

  #describe(operations: OperationCounts): SourceReport {
    return {
      source: this.#index,
      generation: this.#standing.generation,
      accepted: this.#log.end.line,
      processed: this.#processed(),
      firstKept: this.#log.firstLine,
      bytesKept: this.#log.bytesKept,
      operations,
    };
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
    this.#ensureAlarm();
    this.#pump = this.#createPump(answer);
    this.#pump.start(this.#standing.pending);
    this.#reporter.startOver();
    this.#idleMark.watch();
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
        sliceUsedUp: () => this.#setAlarm(0),
        staleGeneration: (newer) => {
          this.#stopPump();
          this.#attachment.ask(newer);
        },
        failed: (error) => {
          this.#failure = error;
          this.#tellFailure();
          this.#ensureAlarm();
        },
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
    const { checkpoint } = trigger;
    const { pending } = this.#standing;
    if (pending?.checkpoint === checkpoint) return pending;
    const { line, record } = pump.reach;
    const offset = record === 0 ? line : line + 1;
    const watermark = pump.watermarkAt(offset);
    const begun: PendingCheckpoint = { ...trigger, offset, watermark };
    this.#context.crashPoint("source: before checkpoint offset");
    this.#standings.write(withPending(this.#standing, begun));
    this.#ensureAlarm();
    this.#context.crashPoint("source: after checkpoint offset");
    pump.setPending(begun);
    return begun;
  }

  #needsAlarm(): boolean {
    const { status, pending, intervalMs } = this.#standing;
    if (!isLive(status)) return false;
    if (pending !== null || this.#failure !== undefined) return true;
    if (intervalMs > 0) return this.hasUncovered;
    const delivered = this.#pump?.deliveredLine ?? this.#standing.covered;
    return delivered < this.#log.end.line;
  }

  #ensureAlarm(): void {
    if (this.#context.alarm.get() === undefined && this.#needsAlarm())
      this.#setAlarm(alarmPeriodMs);
  }

  #setAlarm(delayMs: number): void {
    this.#context.alarm.set(this.#context.environment.now() + delayMs);
    this.#operations.addRowsWritten(1);
  }

  /** Whether this source acts in that generation and status already: the call is a repeat. */
  #isIn(generation: number, status: JobStatus): boolean {
    const isActive = this.#pump?.generation === generation && this.#failure === undefined;
    return isActive && status === this.#standing.status;
  }

  #processed(): number {
    return Math.min(this.#pump?.processedLine ?? this.#standing.covered, this.#log.end.line);
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
