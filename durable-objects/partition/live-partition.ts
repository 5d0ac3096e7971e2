/**
 * Everything a partition has only in memory: its channels, their queues, the engine, the checkpoints
 * under way. One attempt from restore to loss; dropped as a whole, never repaired.
 *
 * Promise: what has arrived is either applied in order or answered "not ready", and after close()
 * nothing of this attempt is applied, acknowledged or noted any more [3, 8].
 */
import { ApplyLoop } from "../../dataflow/keyed/apply-loop.ts";
import { verticesFedByLog } from "../../dataflow/edges.ts";
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import type { Fence } from "../messages.ts";
import type { Attached } from "./attach.ts";
import { AttemptUploads } from "./attempt-uploads.ts";
import { PartitionCheckpoints, type BarrierOutcome, type Moment } from "./checkpoint.ts";
import { channelCredit } from "./channel-credit.ts";
import {
  LOST_ANSWER,
  type Answered,
  type IncomingHost,
  type QueuedBarrier,
  type QueuedFrame,
} from "./incoming-host.ts";
import { overtakenFrames } from "./in-flight.ts";
import { IncomingSources } from "./incoming-sources.ts";
import { IncomingVertices } from "./incoming-vertices.ts";
import { KeepAwake } from "./keep-awake.ts";
import type { LiveOptions } from "./live-options.ts";
import { Maintenance } from "./maintenance.ts";
import { openEngine } from "./open-engine.ts";
import { OutgoingVertices } from "./outgoing-vertices.ts";
import { PartitionOutput } from "./output.ts";
import { Overtaking } from "./overtaking.ts";
import { requestRollback, rewindSender, type RegionCall } from "./region.ts";
import { RestoredFrames } from "./restored-frames.ts";
import { Signal } from "./signal.ts";
import { UnpromptedWork } from "./unprompted-work.ts";
import { createVertexTask, type TaskTimes, type VertexTask } from "./vertex-task.ts";

const NOTHING = { bytes: new Uint8Array(0), arrivalTime: 0 };

export class LivePartition {
  readonly attached: Attached;
  readonly engine: StateEngine;
  /** Raised when a channel has reached the point it was at before the last loss of memory. */
  readonly caughtUp = new Signal();
  readonly #options: LiveOptions;
  readonly sources: IncomingSources;
  readonly incoming: IncomingVertices;
  readonly outgoing: OutgoingVertices;
  /** Names of the input channels, by their number in the apply loop. */
  readonly #channels: readonly string[];
  readonly #loop: ApplyLoop<QueuedFrame, QueuedBarrier>;
  readonly #task: VertexTask;
  readonly #unprompted: UnpromptedWork;
  readonly #checkpoints: PartitionCheckpoints;
  readonly #maintenance: Maintenance;
  readonly #keepAwake: KeepAwake;
  readonly #overtaking: Overtaking;
  #isClosed = false;
  readonly #uploads: AttemptUploads;
  readonly #restoredFrames: RestoredFrames;
  /** Bytes of frames applied in this attempt. */
  #appliedBytes = 0;
  /** The newest checkpoint known to be completed. */
  #completed: number;
  /** What is being aligned. */
  #aligning: QueuedBarrier | undefined;
  #isRollingBack = false;

  constructor(options: LiveOptions) {
    const { context, job, vertex, attached } = options;
    const { checkpoint } = attached;
    this.#options = options;
    this.attached = attached;
    this.#uploads = new AttemptUploads(options);
    this.#restoredFrames = new RestoredFrames(options.inFlight);
    this.#completed = checkpoint;
    const host = this.#incomingHost();
    const isFedByLog = verticesFedByLog(job).includes(vertex.uid);
    this.sources = new IncomingSources(isFedByLog ? attached.sources : [], host);
    this.incoming = new IncomingVertices(job, options.task, host);
    this.outgoing = new OutgoingVertices({
      ...options,
      countRequest: () => void (options.counter.requests += 1),
      rollback: (reason) => this.#rollback(reason),
    });
    const { names: vertexChannels } = this.incoming;
    this.#channels = [...this.sources.names, ...vertexChannels];
    this.engine = openEngine(options, this.#uploads.ofTables);
    const { engine } = this;
    const output = new PartitionOutput(this.#uploads, options.results, (edge, record, timestamp) =>
      this.outgoing.forward(edge, record, timestamp, this.#task.time),
    );
    const channels = this.#channels;
    this.#task = createVertexTask({
      ...options,
      engine,
      channels,
      vertexChannels,
      emitter: output,
      startRequest: (request) => this.#unprompted.start(request),
    });
    this.#maintenance = new Maintenance(context, engine, (error) => options.failed(error));
    this.#loop = new ApplyLoop<QueuedFrame, QueuedBarrier>(
      channels.length,
      {
        admit: (queued) => this.#admit(queued),
        apply: (queued) => this.#apply(queued),
        aligned: (aligned, overtaken) => this.#aligned(aligned, overtakenFrames(overtaken)),
        reached: (barrier) => this.#reached(barrier),
        failed: (error, queued) => options.failed(error, queued?.source),
      },
      { holdsChannels: job.options.checkpoint.guarantee === "exactly-once" },
    );
    this.#loop.abort(Math.max(attached.decided, options.decided));
    this.#overtaking = new Overtaking({ context, loop: this.#loop, outgoing: this.outgoing });
    this.#checkpoints = this.#createCheckpoints(output);
    const { intervalMs } = job.options.checkpoint;
    this.#keepAwake = new KeepAwake(context, intervalMs, () => this.#hasChanges);
    this.#unprompted = this.#createUnprompted();
    this.#unprompted.begin();
  }

  /** Whether live reads see everything processed before the last loss of memory [20]. */
  get hasCaughtUp(): boolean {
    if (!this.#restoredFrames.areApplied) return false;
    return this.sources.hasCaughtUp && this.incoming.hasCaughtUp;
  }

  get times(): TaskTimes {
    return this.#task.times;
  }

  /** Resolves when nothing of this attempt is being written any more. */
  get settled(): Promise<unknown> {
    return Promise.all([this.#checkpoints.settled, this.#maintenance.settled]);
  }

  /** What the checkpoint holds in flight goes first; then all senders are told to open their channels anew. */
  begin(): void {
    this.outgoing.restore(this.#options.inFlight.filter(({ direction }) => direction === "out"));
    this.#restoredFrames.push(this.#loop, this.#channels, () => this.#isClosed);
    const call = this.#regionCall;
    this.sources.rewind(call);
    for (const channel of this.incoming.channels) {
      const rewound = rewindSender(call, channel.sender, () => channel.hasCaughtUp);
      call.context.keepAlive(rewound);
    }
    this.#announceProgress();
  }

  /** The alarm is due. Resolves when what it stood for is done, or another alarm stands for it. */
  alarm(): Promise<void> {
    return this.#unprompted.alarm();
  }

  abort(checkpoint: number): void {
    this.#checkpoints.abort(checkpoint);
    this.outgoing.abort(checkpoint);
    this.#loop.abort(checkpoint);
  }

  complete(checkpoint: number): void {
    this.#learn({ completed: checkpoint, decided: checkpoint });
    this.#keepAwake.completed();
  }

  /** Ends this attempt. Synchronous: whatever waits is answered "not ready" and nothing is applied any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#uploads.close();
    this.#overtaking.stop();
    for (const queued of this.#loop.close()) queued.answer(LOST_ANSWER);
    this.#checkpoints.close();
    this.outgoing.close();
    this.#task.close();
    this.#unprompted.close();
    this.#maintenance.stop();
    this.#keepAwake.stop();
    this.engine.close();
    this.caughtUp.raise();
  }

  get #fence(): Fence {
    return { generation: this.attached.generation, attempt: this.attached.attempt };
  }

  get #creditBytes(): number {
    return channelCredit(this.#options.context.environment.memory, this.#channels.length);
  }

  #done(): Answered {
    return { kind: "done", creditBytes: this.#creditBytes };
  }

  #queueFrame(queued: Omit<QueuedFrame, "answer">): Promise<Answered> {
    const number = this.#channels.indexOf(queued.channel);
    return new Promise((answer) => this.#loop.pushFrame(number, { ...queued, answer }));
  }

  #queueBarrier(barrier: QueuedBarrier): Promise<BarrierOutcome> | undefined {
    const { checkpoint } = barrier;
    const isDecided = this.#loop.isDecided(checkpoint);
    const outcome = isDecided ? undefined : this.#checkpoints.begin(barrier);
    if (!isDecided) {
      this.#uploads.newestBarrier = checkpoint;
      this.#aligning = barrier;
      this.#overtaking.arrived(barrier);
    }
    this.#loop.pushBarrier(this.#channels.indexOf(barrier.channel), barrier);
    this.#overtaking.consider();
    return outcome;
  }

  #learn({ completed, decided }: { readonly completed?: number; readonly decided: number }): void {
    if (completed !== undefined) {
      this.#completed = Math.max(this.#completed, completed);
      this.#checkpoints.complete(completed);
      this.outgoing.complete(completed);
      this.#unprompted.completed(completed);
    }
    this.abort(decided);
  }

  /** What is emitted waits for room with the receivers before what is applied waits for room here. */
  #admit(queued: QueuedFrame): Promise<void> | undefined {
    const room = this.outgoing.room();
    if (room === undefined) return this.#admitHere(queued);
    return room.then(() => (this.#isClosed ? undefined : this.#admitHere(queued)));
  }

  #admitHere({ frame }: QueuedFrame): Promise<void> | undefined {
    const room = this.engine.admit(frame.bytes.length);
    if (room !== undefined) this.#maintenance.begin();
    return room;
  }

  #apply(queued: QueuedFrame): void | Promise<void> {
    const records = this.#task.apply(queued.channel, queued.frame);
    if (typeof records === "number") return this.#applied(queued, records);
    return records.then((count) => this.#applied(queued, count));
  }

  #applied({ applied, answer, frame }: QueuedFrame, records: number): void {
    if (this.#isClosed) return;
    this.#options.counter.recordsIn += records;
    this.#appliedBytes += frame.bytes.length;
    applied();
    if (records > 0) this.#keepAwake.changed();
    if ("isIdle" in frame && frame.isIdle) this.#unprompted.fellSilent();
    this.#announceProgress();
    this.#unprompted.progressed();
    answer(this.#done());
  }

  #reached({ channel, watermark, isIdle = false }: QueuedBarrier): void | Promise<void> {
    const done = this.#task.apply(channel, { ...NOTHING, watermark, isIdle });
    if (typeof done === "number") return this.#passOn();
    return done.then(() => this.#passOn());
  }

  /** The moment of the checkpoint: its state is taken, and its barrier stands behind what was emitted. */
  #aligned(checkpoint: number, incoming: readonly InFlightFrame[]): void {
    this.#unprompted.aligned(checkpoint);
    const barrier = this.#aligning;
    const outgoing =
      barrier?.checkpoint === checkpoint
        ? this.#overtaking.passOn(barrier, incoming.length > 0)
        : undefined;
    this.#checkpoints.aligned(checkpoint, { incoming, outgoing });
  }

  #passOn(): void {
    if (this.#isClosed) return;
    this.outgoing.endBatch({ ...this.#task.eventTime, hasCaughtUp: this.hasCaughtUp });
  }

  #createUnprompted(): UnpromptedWork {
    return new UnpromptedWork(this.#options, {
      task: this.#task,
      fence: this.#fence,
      // What is replayed comes first: it is older than any timer that is due now.
      mayFire: () => !this.#isClosed && this.hasCaughtUp,
      isWanted: () => !this.#isClosed && this.#checkpoints.hasChanges,
      run: (work) => this.#runApart(work),
      changed: () => this.#keepAwake.changed(),
    });
  }

  /** A turn of its own, when no frame or barrier can take one. */
  #runApart(work: () => void | Promise<void>): void {
    this.#loop.pushWork(async () => {
      await work();
      this.#passOn();
    });
  }

  #announceProgress(): void {
    this.#passOn();
    if (!this.hasCaughtUp) return;
    this.caughtUp.raise();
    this.#unprompted.progressed();
  }

  /** What a loss of memory would undo, here or at the other ends of channels [24]. */
  get #hasChanges(): boolean {
    const completed = this.#completed;
    const hasCarried =
      this.incoming.hasFramesBehind(completed) || this.outgoing.hasFramesBehind(completed);
    return hasCarried || this.#checkpoints.hasChanges;
  }

  get #regionCall(): RegionCall {
    const { context, task, overtaken, counter } = this.#options;
    return {
      context,
      task,
      fence: () => (this.#isClosed ? undefined : this.#fence),
      overtaken,
      countRequest: () => void (counter.requests += 1),
    };
  }

  #rollback(reason: string): void {
    if (this.#isRollingBack || this.#isClosed) return;
    this.#isRollingBack = true;
    this.#options.context.keepAlive(requestRollback(this.#regionCall, reason));
  }

  #incomingHost(): IncomingHost {
    const creditBytes = (): number => this.#creditBytes;
    return {
      attached: this.attached,
      get creditBytes() {
        return creditBytes();
      },
      queueFrame: (queued) => this.#queueFrame(queued),
      queueBarrier: (barrier) => this.#queueBarrier(barrier),
      outcomeOf: (checkpoint) => this.#checkpoints.outcomeOf(checkpoint),
      isDecided: (checkpoint) => this.#loop.isDecided(checkpoint),
      learn: (known) => this.#learn(known),
      progressed: () => this.#announceProgress(),
      rollback: (reason) => this.#rollback(reason),
    };
  }

  #createCheckpoints(output: PartitionOutput): PartitionCheckpoints {
    const { attached, engine } = this;
    const options = this.#options;
    return new PartitionCheckpoints({
      ...options,
      fence: this.#fence,
      engine,
      output,
      restored: {
        checkpoint: attached.checkpoint,
        moment: this.#moment(),
        hasInFlight: options.inFlight.length > 0,
      },
      inFlightUploads: this.#uploads.ofFrames,
      appliedBytes: () => this.#appliedBytes,
      moment: () => this.#moment(),
      mayAcknowledge: () => this.outgoing.allOpened,
      acknowledged: () => this.#maintenance.begin(),
      restore: () => options.overtaken(attached.generation),
    });
  }

  #moment(): Moment {
    return { ...this.times, sequence: this.engine.sequence };
  }
}
