/**
 * One partition of a keyed vertex: applies the frames of all sources to its key groups, takes part in
 * checkpoints, answers live reads. Thin: it only knows whether it has memory, and how it gets some.
 *
 * Promise: a caller is either served by the attempt the coordinator gave out last, or told what to do;
 * losing memory at any moment loses nothing that replay does not bring back [3, 8].
 */
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import { StateEngineError } from "../../state-engine/index.ts";
import type {
  Barrier,
  ChannelAnswer,
  CheckpointCompleted,
  JobStatus,
  OpenChannelAnswer,
  PartitionCalls,
  ReadAnswer,
  ReadRequest,
  ResultsAnswer,
  ResultsRequest,
  ScanAnswer,
  ScanRequest,
  SourceFrame,
  TaskId,
  TaskFailure,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type {
  OpenVertexChannel,
  OpenVertexChannelAnswer,
  VertexBarrier,
  VertexChannelAnswer,
  VertexFrame,
  VertexRewind,
  VertexRewindAnswer,
} from "../vertex-messages.ts";
import { Attachment, type Attached } from "./attach.ts";
import { CountedBlobStore } from "./counted-blob-store.ts";
import { taskFailure } from "./failure.ts";
import { LivePartition } from "./live-partition.ts";
import { LiveResults } from "./live-results.ts";
import { OperationCounter } from "./operation-counter.ts";
import { readLive, scanLive, type LiveState } from "./reads.ts";
import { UploadNotes } from "./schema.ts";
import { Signal } from "./signal.ts";

/** How long opening a channel waits for the coordinator's answer before it is told to come back. */
const OPEN_WAIT_MS = 1_000;
/** How long a live read waits for the partition to catch up [20]. */
const READ_WAIT_MS = 5_000;
/** Before attaching again when storage did not answer, or the coordinator when told of a failure. */
const UNAVAILABLE_PAUSE_MS = 1_000;

export class PartitionTask implements PartitionCalls {
  readonly #context: ObjectContext;
  readonly #job: JobGraph;
  readonly #task: TaskId;
  readonly #vertex: KeyedVertex;
  readonly #notes: UploadNotes;
  readonly #counter: OperationCounter;
  readonly #attachment: Attachment;
  readonly #results: LiveResults;
  /** Raised when the coordinator's answer is in: there is memory again, or will not be soon. */
  readonly #answered = new Signal();
  #live: LivePartition | undefined;
  /** A table of the live state that was gone, until it is known whether that state was still the newest. */
  #missed: { readonly attached: Attached; readonly error: StateEngineError } | undefined;
  /** An abort counts even if it comes while there is no memory, or before the barrier [22]. */
  #newestAborted = 0;

  constructor(context: ObjectContext, job: JobGraph, task: TaskId) {
    this.#context = context;
    this.#job = job;
    this.#task = { vertex: task.vertex, index: task.index };
    this.#vertex = vertexOf(job, task);
    this.#notes = new UploadNotes(context);
    this.#results = new LiveResults(context);
    const blobStore = new CountedBlobStore({
      blobStore: context.blobStore,
      crashPoint: (name) => context.crashPoint(name),
    });
    this.#counter = new OperationCounter(blobStore, this.#notes);
    this.#attachment = new Attachment({
      context,
      task: this.#task,
      bucket: job.options.checkpoint.bucket,
      notes: this.#notes,
      counter: this.#counter,
      attached: (answer, inFlight) => this.#restore(answer, inFlight),
      unreadable: (answer, error) => this.#failed(answer, error),
      postponed: () => this.#answered.raise(),
    });
  }

  async openChannel(request: { source: number; generation: number }): Promise<OpenChannelAnswer> {
    this.#notice(request.generation);
    const live = await this.#whenLive(OPEN_WAIT_MS);
    if (live === undefined) return this.#notReady();
    if (request.generation < live.attached.generation) return this.#stale(live);
    return { kind: "open", channel: live.sources.open(request.source) };
  }

  async frame(frame: SourceFrame): Promise<ChannelAnswer> {
    const live = this.#liveFor(frame.generation);
    if (live === undefined) return this.#notReady();
    if (frame.generation < live.attached.generation) return this.#stale(live);
    return live.sources.frame(frame);
  }

  async barrier(barrier: Barrier): Promise<ChannelAnswer> {
    const live = this.#liveFor(barrier.generation);
    if (live === undefined) return this.#notReady();
    if (barrier.generation < live.attached.generation) return this.#stale(live);
    return live.sources.barrier(barrier);
  }

  async openVertexChannel(request: OpenVertexChannel): Promise<OpenVertexChannelAnswer> {
    this.#notice(request.generation);
    const live = await this.#whenLive(OPEN_WAIT_MS);
    if (live === undefined) return this.#notReady();
    if (request.generation < live.attached.generation) return this.#stale(live);
    return live.incoming.open(request);
  }

  async vertexFrame(frame: VertexFrame): Promise<VertexChannelAnswer> {
    const live = this.#liveFor(frame.generation);
    if (live === undefined) return this.#notReady();
    if (frame.generation < live.attached.generation) return this.#stale(live);
    return live.incoming.frame(frame);
  }

  async vertexBarrier(barrier: VertexBarrier): Promise<VertexChannelAnswer> {
    const live = this.#liveFor(barrier.generation);
    if (live === undefined) return this.#notReady();
    if (barrier.generation < live.attached.generation) return this.#stale(live);
    return live.incoming.barrier(barrier);
  }

  async rewindVertexChannel(request: VertexRewind): Promise<VertexRewindAnswer> {
    const live = this.#liveFor(request.generation);
    if (live === undefined) return this.#notReady();
    if (request.generation < live.attached.generation) return this.#stale(live);
    live.outgoing.rewind(request);
    return { kind: "heard" };
  }

  async abortCheckpoint(request: { generation: number; checkpoint: number }): Promise<void> {
    this.#newestAborted = Math.max(this.#newestAborted, request.checkpoint);
    this.#live?.abort(request.checkpoint);
  }

  async completeCheckpoint(request: CheckpointCompleted): Promise<void> {
    const live = this.#live;
    if (live?.attached.generation === request.generation) live.complete(request.checkpoint);
  }

  async enter(request: { generation: number; status: JobStatus }): Promise<void> {
    this.#notice(request.generation);
    const { status } = request;
    if (this.#live === undefined && (status === "RUNNING" || status === "RESTARTING")) {
      this.#attachment.begin();
    }
  }

  async readState(request: ReadRequest): Promise<ReadAnswer> {
    return this.#read((live) => readLive(live, request));
  }

  async scanState(request: ScanRequest): Promise<ScanAnswer> {
    return this.#read((live) => scanLive(live, request));
  }

  async awaitResults(request: ResultsRequest): Promise<ResultsAnswer> {
    return this.#results.await(request);
  }

  async notedUploads(): Promise<readonly string[]> {
    return this.#notes.list();
  }

  /** Catches everything: the platform drops an alarm that keeps failing [27]. */
  async alarm(): Promise<void> {
    if (this.#live === undefined) await this.#attachment.alarm();
    await this.#live?.alarm();
  }

  #restore(attached: Attached, inFlight: readonly InFlightFrame[]): void {
    this.#reportMissed(attached);
    try {
      this.#live = new LivePartition({
        context: this.#context,
        job: this.#job,
        vertex: this.#vertex,
        task: this.#task,
        notes: this.#notes,
        counter: this.#counter,
        results: this.#results,
        attached,
        inFlight,
        decided: this.#newestAborted,
        failed: (error, frame) => this.#failed(attached, error, frame),
        overtaken: (generation) => this.#overtaken(attached, generation),
      });
      this.#live.begin();
      this.#answered.raise();
    } catch (error) {
      this.#failed(attached, error);
    }
  }

  /** A call of a newer generation: the state at hand belongs to the past, and nothing may be applied to it [6]. */
  #notice(generation: number): void {
    const live = this.#live;
    if (live !== undefined && generation > live.attached.generation) this.#becomeEmpty(live);
    this.#attachment.expect(generation);
  }

  #liveFor(generation: number): LivePartition | undefined {
    this.#notice(generation);
    if (this.#live === undefined) this.#attachment.begin();
    return this.#live;
  }

  async #whenLive(limitMs: number): Promise<LivePartition | undefined> {
    if (this.#live !== undefined) return this.#live;
    this.#attachment.begin();
    if (!this.#attachment.isWaiting) await this.#answered.wait(this.#context, limitMs);
    return this.#live;
  }

  /** Synchronous: from here on nothing of this attempt is applied, frozen or acknowledged [8]. */
  #becomeEmpty(live: LivePartition): void {
    if (this.#live === live) this.#live = undefined;
    live.close();
    this.#attachment.lost(live.settled);
  }

  /** Something threw. Empty first, then the report: the half-applied frame must not be seen by anything. */
  #failed(attached: Attached, error: unknown, frame?: SourceFrame): void {
    const live = this.#live;
    if (live !== undefined && live.attached !== attached) return;
    if (live !== undefined) this.#becomeEmpty(live);
    if (isPassing(error)) {
      // Somebody deleted what this state needs: restored anew it may need something else [3].
      if (live !== undefined && isOfLiveTable(live, error)) this.#missed = { attached, error };
      this.#attachment.askAgain(UNAVAILABLE_PAUSE_MS);
      return;
    }
    const job = this.#job.name;
    const failure = taskFailure({
      job,
      task: this.#task,
      attached,
      error,
      ...(frame && { frame }),
    });
    const report = this.#reportFailure(failure).catch((cause: unknown) =>
      this.#context.reportError(cause, "asking again after a failure that nobody heard of"),
    );
    this.#context.keepAlive(report);
    this.#attachment.askAfter(report);
  }

  /**
   * What failed fails again after the restore, and is reported again: by itself where it was a timer,
   * which no call brings back.
   */
  async #reportFailure(failure: TaskFailure): Promise<void> {
    this.#counter.requests += 1;
    try {
      await this.#context.peers.coordinator().fail(failure);
    } catch (cause) {
      const unheard = new Error(failure.error.message, { cause });
      this.#context.reportError(unheard, "telling the coordinator that this partition failed");
      if (this.#live === undefined && !this.#attachment.isAsking) {
        this.#attachment.askAgain(UNAVAILABLE_PAUSE_MS);
      }
    }
  }

  /**
   * What an attempt wrote is deleted once a newer one has taken its place, which it may hear of last: only
   * where it had no successor but this one has something deleted what was in use.
   */
  #reportMissed({ attempt, generation }: Attached): void {
    const missed = this.#missed;
    this.#missed = undefined;
    if (missed?.attached.generation !== generation) return;
    if (missed.attached.attempt !== attempt - 1) return;
    this.#context.reportError(missed.error, "reading a table of the live state");
  }

  #overtaken(attached: Attached, generation: number): void {
    const live = this.#live;
    if (live === undefined || live.attached !== attached) return;
    this.#becomeEmpty(live);
    this.#attachment.expect(generation);
    this.#attachment.begin();
  }

  /** Waits until reads see what they saw before memory was lost, and no longer than a caller should [20]. */
  async #read<Answer>(
    read: (live: LiveState) => Promise<Answer>,
  ): Promise<Answer | { kind: "notReady"; retryAfterSeconds: number }> {
    const { environment } = this.#context;
    const deadline = environment.now() + READ_WAIT_MS;
    const left = (): number => deadline - environment.now();
    let live = await this.#whenLive(READ_WAIT_MS);
    while (live !== undefined && !live.hasCaughtUp && left() > 0) {
      await live.caughtUp.wait(this.#context, left());
      live = this.#live;
    }
    if (live === undefined || !live.hasCaughtUp) {
      return {
        kind: "notReady",
        retryAfterSeconds: Math.ceil(this.#attachment.retryAfterMs / 1000),
      };
    }
    const { engine, attached, times } = live;
    try {
      return await read({ engine, times, vertex: this.#vertex, keyGroups: attached.keyGroups });
    } catch (error) {
      // Memory was lost in the middle of the read, storage did not answer, or a table of the version
      // it began with was swept meanwhile: whoever reads again sees the newest version.
      if (live === this.#live && isOfLiveTable(live, error)) this.#failed(attached, error);
      if (isPassing(error) || live !== this.#live)
        return { kind: "notReady", retryAfterSeconds: 1 };
      throw error;
    }
  }

  #notReady(): { kind: "notReady"; retryAfterMs: number } {
    return { kind: "notReady", retryAfterMs: this.#attachment.retryAfterMs };
  }

  #stale(live: LivePartition): { kind: "staleGeneration"; generation: number } {
    return { kind: "staleGeneration", generation: live.attached.generation };
  }
}

/** Storage did not answer, or what a reader began with was swept meanwhile: it goes better another time. */
function isPassing(error: unknown): error is StateEngineError {
  return (
    error instanceof StateEngineError && (error.kind === "unavailable" || error.kind === "missing")
  );
}

/** Not a table that compaction has replaced: one that the state as it is now cannot do without. */
function isOfLiveTable({ engine }: Pick<LivePartition, "engine">, error: unknown): boolean {
  const path = error instanceof StateEngineError ? error.path : undefined;
  return path !== undefined && engine.isIn(path);
}

function vertexOf(job: JobGraph, task: TaskId): KeyedVertex {
  const vertex = job.vertices.find((one) => one.uid === task.vertex);
  if (vertex !== undefined) return vertex;
  const known = job.vertices.map((one) => `"${one.uid}"`).join(", ");
  throw new Error(
    `Job "${job.name}" has no vertex "${task.vertex}", only ${known}: ` +
      `the caller runs another version of the job.`,
  );
}
