/**
 * Everything a partition has only in memory: its channels, their queues, the engine, the checkpoints
 * under way. One attempt from restore to loss; dropped as a whole, never repaired.
 *
 * Promise: what has arrived is either applied in order or answered "not ready", and after close()
 * nothing of this attempt is applied, acknowledged or noted any more [3, 8].
 */
import { ApplyLoop } from "../../dataflow/keyed/apply-loop.ts";
import { mergeOperatorsOf } from "../../dataflow/keyed/keyed-states.ts";
import type { JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import { StateEngine, StateEngineError } from "../../state-engine/index.ts";
import type {
  Barrier,
  ChannelAnswer,
  ChannelFence,
  ChannelState,
  Fence,
  SourceFrame,
  TaskId,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { Attached } from "./attach.ts";
import { PartitionCheckpoints, type Moment } from "./checkpoint.ts";
import { channelCredit } from "./channel-credit.ts";
import { ClockTimers } from "./clock-timers.ts";
import { KeepAwake } from "./keep-awake.ts";
import { Maintenance } from "./maintenance.ts";
import type { OperationCounter } from "./operation-counter.ts";
import { PartitionOutput } from "./output.ts";
import { ChangeReporter } from "./report-change.ts";
import { rewindSource } from "./rewind.ts";
import type { UploadNotes } from "./schema.ts";
import { Signal } from "./signal.ts";
import { SourceChannel } from "./source-channel.ts";
import { uploadPath } from "./upload-path.ts";
import { createVertexTask, type VertexTask } from "./vertex-task.ts";

export interface LiveOptions {
  readonly context: ObjectContext;
  readonly job: JobGraph;
  readonly vertex: KeyedVertex;
  readonly task: TaskId;
  readonly notes: UploadNotes;
  readonly counter: OperationCounter;
  readonly attached: Attached;
  /** Checkpoints up to this one are known to be aborted or over. */
  readonly decided: number;
  /** Something threw: this attempt must be dropped. `frame` is the one being applied. */
  readonly failed: (error: unknown, frame?: SourceFrame) => void;
  /** This attempt must be dropped, by nobody's fault. */
  readonly overtaken: (generation: number) => void;
}

interface QueuedFrame {
  readonly channel: SourceChannel;
  readonly frame: SourceFrame;
  readonly answer: (answer: ChannelAnswer) => void;
}

/** After losing its memory a partition is usually back within one call to the coordinator. */
const LOST_ANSWER: ChannelAnswer = { kind: "notReady", retryAfterMs: 50 };
/** To a call of an older attempt or session: its sender does not know where this channel stands. */
const OPEN_ANEW: ChannelAnswer = { kind: "notReady", retryAfterMs: 0 };

export class LivePartition {
  readonly attached: Attached;
  readonly engine: StateEngine;
  /** Raised when a channel has reached the point it was at before the last loss of memory. */
  readonly caughtUp = new Signal();
  readonly #options: LiveOptions;
  readonly #channels: readonly SourceChannel[];
  readonly #loop: ApplyLoop<QueuedFrame, Barrier>;
  readonly #task: VertexTask;
  readonly #clock: ClockTimers | undefined;
  readonly #checkpoints: PartitionCheckpoints;
  readonly #maintenance: Maintenance;
  readonly #keepAwake: KeepAwake;
  #isClosed = false;
  /** The checkpoint whose number stands in the paths of new objects. */
  #newestBarrier: number;

  constructor(options: LiveOptions) {
    const { context, job, vertex, attached } = options;
    const { restored, keyGroups, sources } = attached;
    this.#options = options;
    this.attached = attached;
    this.#newestBarrier = attached.checkpoint;
    this.#channels = sources.map((source) => new SourceChannel(source, attached.checkpoint));
    this.engine = StateEngine.open({
      environment: context.environment,
      blobStore: options.counter.blobStore,
      keyGroups,
      tables: restored.tables,
      sequence: restored.sequence,
      mergeOperators: mergeOperatorsOf(vertex),
      uploads: { nextPath: () => this.#nextPath("sst"), note: (path) => this.#note(path) },
    });
    const { engine } = this;
    const { maxParallelism } = job.options;
    const output = new PartitionOutput({
      newPath: () => {
        const path = this.#nextPath("ndjson");
        this.#note(path);
        return path;
      },
      put: async (path, bytes) => void (await options.counter.blobStore.put(path, bytes)),
    });
    this.#task = createVertexTask({ vertex, engine, maxParallelism, attached, emitter: output });
    this.#maintenance = new Maintenance(context, engine, (error) => options.failed(error));
    this.#loop = new ApplyLoop<QueuedFrame, Barrier>(
      this.#channels.length,
      {
        admit: (queued) => this.#admit(queued),
        apply: (queued) => this.#apply(queued),
        aligned: (checkpoint) => this.#checkpoints.aligned(checkpoint),
        reached: ({ source, watermark }) => this.#task.advance(source, watermark),
        failed: (error, queued) => options.failed(error, queued?.frame),
      },
      { holdsChannels: job.options.checkpoint.guarantee === "exactly-once" },
    );
    this.#loop.abort(Math.max(attached.checkpoint, options.decided));
    this.#checkpoints = new PartitionCheckpoints({
      ...options,
      fence: this.#fence,
      engine,
      output,
      restored: { checkpoint: attached.checkpoint, moment: this.#moment() },
      moment: () => this.#moment(),
      acknowledged: () => this.#maintenance.begin(),
      restore: () => options.overtaken(attached.generation),
    });
    this.#keepAwake = new KeepAwake(
      context,
      job.options.checkpoint.intervalMs,
      () => this.#checkpoints.hasChanges,
    );
    this.#clock = this.#task.clock && this.#clockTimers(this.#task.clock);
    this.#clock?.check();
  }

  /** Whether live reads see everything processed before the last loss of memory [20]. */
  get hasCaughtUp(): boolean {
    return this.#channels.every((channel) => channel.hasCaughtUp);
  }

  /** Resolves when nothing of this attempt is being written any more. */
  get settled(): Promise<unknown> {
    return Promise.all([this.#checkpoints.settled, this.#maintenance.settled]);
  }

  /** Tells every source to open its channel anew. */
  rewindSources(): void {
    const { context, task, counter, overtaken } = this.#options;
    for (const channel of this.#channels) {
      const rewound = rewindSource({
        context,
        task,
        source: channel.source,
        fence: () => (this.#isClosed ? undefined : this.#fence),
        rewound: (furthest) => {
          channel.furthest = furthest;
          this.#announceProgress(channel);
        },
        overtaken,
        countRequest: () => void (counter.requests += 1),
      });
      context.keepAlive(rewound);
    }
  }

  /** Begins a new session: what was sent over an earlier one is refused from now on [1]. */
  openChannel(source: number): ChannelState {
    const { channel } = this.#channelOf(source);
    channel.session += 1;
    return this.#stateOf(channel);
  }

  /** Queues the frame if it is the next one of its channel. Synchronous up to the queue, so that order is kept [8]. */
  frame(frame: SourceFrame): ChannelAnswer | Promise<ChannelAnswer> {
    const { channel, index } = this.#channelOf(frame.source);
    if (!this.#isOurs(frame, channel)) return OPEN_ANEW;
    const verdict = channel.judgeFrame(frame);
    if (verdict === "known") return this.#done();
    if (verdict === "apart" || this.#lacksBarrier(channel, frame)) return this.#reposition(channel);
    channel.queuedTo = frame.to;
    return new Promise((answer) => this.#loop.pushFrame(index, { channel, frame, answer }));
  }

  async barrier(barrier: Barrier): Promise<ChannelAnswer> {
    const { channel, index } = this.#channelOf(barrier.source);
    if (!this.#isOurs(barrier, channel)) return OPEN_ANEW;
    const { checkpoint, base } = barrier;
    // It was triggered, so its base is completed and everything in between is given up [7].
    this.#checkpoints.complete(base);
    this.abort(checkpoint - 1);
    const verdict = this.#loop.isDecided(checkpoint) ? "known" : channel.judgeBarrier(barrier);
    if (verdict === "apart") return this.#reposition(channel);
    let outcome = this.#checkpoints.outcomeOf(checkpoint);
    if (verdict === "next") {
      outcome = this.#checkpoints.begin(barrier);
      channel.lastBarrier = checkpoint;
      this.#newestBarrier = checkpoint;
      this.#loop.pushBarrier(index, barrier);
    }
    return (await outcome) === "lost" ? LOST_ANSWER : this.#done();
  }

  /** The alarm is due: processing-time timers may be. */
  alarm(): void {
    this.#clock?.check();
  }

  abort(checkpoint: number): void {
    this.#checkpoints.abort(checkpoint);
    this.#loop.abort(checkpoint);
  }

  complete(checkpoint: number): void {
    this.#checkpoints.complete(checkpoint);
    this.#loop.abort(checkpoint);
    this.#keepAwake.completed();
  }

  /** Ends this attempt. Synchronous: whatever waits is answered "not ready" and nothing is applied any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const queued of this.#loop.close()) queued.answer(LOST_ANSWER);
    this.#checkpoints.close();
    this.#task.close();
    this.#maintenance.stop();
    this.#keepAwake.stop();
    this.engine.close();
    this.caughtUp.raise();
  }

  #isOurs({ generation, attempt, session }: ChannelFence, channel: SourceChannel): boolean {
    const { attached } = this;
    return (
      generation === attached.generation &&
      attempt === attached.attempt &&
      session === channel.session
    );
  }

  /** The call with the barrier before this frame was lost: without it the frame would be on the wrong side [2]. */
  #lacksBarrier(channel: SourceChannel, { afterBarrier }: SourceFrame): boolean {
    if (afterBarrier === undefined || afterBarrier <= channel.lastBarrier) return false;
    return !this.#loop.isDecided(afterBarrier);
  }

  #channelOf(source: number): { channel: SourceChannel; index: number } {
    const index = this.#channels.findIndex((channel) => channel.source === source);
    const channel = this.#channels[index];
    if (channel !== undefined) return { channel, index };
    const { vertex, task, job } = this.#options;
    throw new Error(
      `Source ${source} sent to ${job.name}/${vertex.uid}/${task.index}, which has ` +
        `${this.#channels.length} sources: the number of sources is fixed while a job has state.`,
    );
  }

  #stateOf(channel: SourceChannel): ChannelState {
    return {
      generation: this.attached.generation,
      attempt: this.attached.attempt,
      session: channel.session,
      position: channel.queuedTo,
      lastBarrier: channel.lastBarrier,
      creditBytes: this.#creditBytes,
    };
  }

  get #fence(): Fence {
    return { generation: this.attached.generation, attempt: this.attached.attempt };
  }

  get #creditBytes(): number {
    return channelCredit(this.#options.context.environment.memory, this.#channels.length);
  }

  #done(): ChannelAnswer {
    return { kind: "done", creditBytes: this.#creditBytes };
  }

  #reposition(channel: SourceChannel): ChannelAnswer {
    return { kind: "reposition", channel: this.#stateOf(channel) };
  }

  #admit({ frame }: QueuedFrame): Promise<void> | undefined {
    const room = this.engine.admit(frame.bytes.length);
    if (room !== undefined) this.#maintenance.begin();
    return room;
  }

  #apply(queued: QueuedFrame): void | Promise<void> {
    const records = this.#task.apply(queued.frame);
    if (typeof records === "number") return this.#applied(queued, records);
    return records.then((count) => this.#applied(queued, count));
  }

  #applied({ channel, frame, answer }: QueuedFrame, records: number): void {
    if (this.#isClosed) return;
    this.#options.counter.recordsIn += records;
    channel.position = frame.to;
    if (records > 0) this.#keepAwake.changed();
    this.#announceProgress(channel);
    this.#clock?.check();
    answer(this.#done());
  }

  #clockTimers(clock: NonNullable<VertexTask["clock"]>): ClockTimers {
    const { context, counter, task } = this.#options;
    const reporter = new ChangeReporter({
      context,
      task,
      fence: this.#fence,
      countRequest: () => void (counter.requests += 1),
      isWanted: () => !this.#isClosed && this.#checkpoints.hasChanges,
    });
    return new ClockTimers({
      context,
      counter,
      clock,
      // What is replayed comes first: it is older than any timer that is due now.
      mayFire: () => !this.#isClosed && this.hasCaughtUp,
      run: (work) => this.#loop.pushWork(work),
      fired: () => {
        this.#keepAwake.changed();
        reporter.changed();
      },
    });
  }

  #announceProgress(channel: SourceChannel): void {
    if (!channel.hasCaughtUp) return;
    this.caughtUp.raise();
    this.#clock?.check();
  }

  #moment(): Moment {
    return { ...this.#task.times, sequence: this.engine.sequence };
  }

  #nextPath(extension: "sst" | "ndjson"): string {
    const { context, attached, task } = this.#options;
    const checkpoint = this.#newestBarrier;
    return uploadPath({ attached, task, checkpoint, id: context.environment.newId(), extension });
  }

  #note(path: string): void {
    // What an attempt that is over still wants to write would be nobody's to delete.
    if (this.#isClosed) {
      throw new StateEngineError(
        "closed",
        `This attempt is over; nothing is written. path=${path}`,
      );
    }
    this.#options.notes.note(path);
  }
}
