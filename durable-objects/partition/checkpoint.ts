/**
 * The partition's side of checkpoints: from the moment of alignment to the coordinator's answer, and
 * what is known of earlier ones.
 *
 * Promise: freezing is synchronous; one checkpoint is persisted and acknowledged at a time, in order;
 * whoever brought a barrier is answered when the acknowledgement is accepted or the checkpoint is
 * given up [22]. Which tables may be built upon follows from the base that barriers name, never from a
 * notification alone [7].
 */
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { FrozenState, PersistedState, StateEngine } from "../../state-engine/index.ts";
import { StateEngineError } from "../../state-engine/index.ts";
import type {
  Barrier,
  Fence,
  OutputInterval,
  PartitionState,
  TaskId,
  Upload,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import { acknowledgeCheckpoint, declineCheckpoint } from "./coordinator-calls.ts";
import { InFlightUpload, type InFlightUploads } from "./in-flight.ts";
import type { OperationCounter } from "./operation-counter.ts";
import type { UploadNotes } from "./schema.ts";
import { outputPaths, type PartitionOutput } from "./output.ts";
import { delay } from "./signal.ts";

/** What makes two moments of a partition equal: nothing was written and no watermark moved in between. */
export type Moment = Omit<PartitionState, "tables" | "inFlight">;

/** What the barrier overtook. */
export interface OvertakenFrames {
  readonly incoming: readonly InFlightFrame[];
  /** Known as soon as the barrier has left on every channel; undefined when it has. */
  readonly outgoing: Promise<readonly InFlightFrame[]> | undefined;
}

/** "settled": accepted or given up. "lost": this attempt is over. */
export type BarrierOutcome = "settled" | "lost";

export interface CheckpointOptions {
  readonly context: ObjectContext;
  readonly task: TaskId;
  readonly fence: Fence;
  readonly engine: Pick<StateEngine, "freeze" | "persist" | "discard" | "confirm">;
  readonly notes: UploadNotes;
  readonly counter: OperationCounter;
  readonly output: PartitionOutput;
  /** The checkpoint this attempt restored, and the moment it stands for. */
  readonly restored: {
    readonly checkpoint: number;
    readonly moment: Moment;
    readonly hasInFlight: boolean;
  };
  readonly inFlightUploads: InFlightUploads;
  /** Bytes of frames applied in this attempt. */
  readonly appliedBytes: () => number;
  readonly moment: () => Moment;
  /** Resolves when this attempt may acknowledge, or is over. */
  readonly mayAcknowledge: () => Promise<void>;
  /** An acknowledgement was answered. */
  readonly acknowledged: () => void;
  /** The coordinator wants this task to attach anew. */
  readonly restore: () => void;
  readonly failed: (error: unknown) => void;
}

/** A checkpoint with a barrier delivered, queued or not, and no answer yet. */
interface Run {
  readonly checkpoint: number;
  readonly base: number;
  readonly mode: Barrier["mode"];
  readonly firstBarrierAt: number;
  /** Bytes applied by then. */
  readonly appliedBefore: number;
  readonly outcome: Promise<BarrierOutcome>;
  readonly settle: (outcome: BarrierOutcome) => void;
}

/** A checkpoint that was restored or acknowledged and may become a base. */
interface Held {
  readonly moment: Moment;
  /** It holds more than the moment. */
  hasInFlight: boolean;
  /** What to confirm once it is completed; undefined when its tables are confirmed already. */
  persisted?: PersistedState;
}

/** What is taken at the barrier. */
interface Taken {
  readonly moment: Moment;
  readonly frozen: FrozenState | undefined;
  readonly overtaken: OvertakenFrames;
  readonly startedAt: number;
  readonly frozenAt: number;
  readonly processedBytes: number;
}

interface InFlightWritten {
  readonly reference?: PartitionState["inFlight"];
  readonly object?: Upload;
  readonly size: number;
}

const NOTHING_IN_FLIGHT: InFlightWritten = { size: 0 };

/** Live bytes of a partition up to which small tables travel inside the manifest [9]. */
const INLINE_LIMIT_BYTES = 20 * 1024;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class PartitionCheckpoints {
  readonly #options: CheckpointOptions;
  readonly #runs = new Map<number, Run>();
  readonly #held = new Map<number, Held>();
  /** Objects of in-flight frames whose checkpoint was given up: handed over with the next acknowledgement. */
  #unneeded: readonly Upload[] = [];
  /** The newest checkpoint known to be completed. */
  #completed: number;
  #isClosed = false;
  /** Persisting and acknowledging, one after the other. Never rejects. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#completed = options.restored.checkpoint;
    const { moment, hasInFlight } = options.restored;
    this.#held.set(this.#completed, { moment, hasInFlight });
  }

  /** Whether something is in memory that the newest completed checkpoint does not hold. */
  get hasChanges(): boolean {
    if (this.#options.output.hasUncommitted) return true;
    const held = this.#held.get(this.#completed);
    if (held === undefined || held.hasInFlight) return true;
    return !isSameMoment(held.moment, this.#options.moment());
  }

  /** Resolves when nothing is being written any more. */
  get settled(): Promise<void> {
    return this.#work;
  }

  /** The outcome of a checkpoint that is under way, undefined for any other. */
  outcomeOf(checkpoint: number): Promise<BarrierOutcome> | undefined {
    return this.#runs.get(checkpoint)?.outcome;
  }

  /** A barrier of this checkpoint was queued; answers its outcome. */
  begin(barrier: Pick<Barrier, "base" | "checkpoint" | "mode">): Promise<BarrierOutcome> {
    const known = this.#runs.get(barrier.checkpoint);
    if (known !== undefined) return known.outcome;
    const { checkpoint, base, mode } = barrier;
    const { promise: outcome, resolve: settle } = Promise.withResolvers<BarrierOutcome>();
    const firstBarrierAt = this.#options.context.environment.now();
    const appliedBefore = this.#options.appliedBytes();
    const run = { checkpoint, base, mode, firstBarrierAt, appliedBefore, outcome, settle };
    this.#runs.set(checkpoint, run);
    return outcome;
  }

  /** Every barrier is in: takes the state as it is now, and what they overtook. */
  aligned(checkpoint: number, overtaken: OvertakenFrames): void {
    const run = this.#runs.get(checkpoint);
    if (run === undefined) return;
    const { context, engine, output } = this.#options;
    context.crashPoint("partition: before freeze");
    const startedAt = context.environment.now();
    const moment = this.#options.moment();
    const base = this.#held.get(run.base);
    const mayHoldFrames = overtaken.incoming.length > 0 || overtaken.outgoing !== undefined;
    const isUnchanged =
      run.mode === "incremental" &&
      base?.hasInFlight === false &&
      !mayHoldFrames &&
      isSameMoment(base.moment, moment);
    const frozen = isUnchanged ? undefined : engine.freeze();
    const frozenAt = context.environment.now();
    this.#held.set(checkpoint, { moment, hasInFlight: mayHoldFrames });
    const processedBytes = this.#options.appliedBytes() - run.appliedBefore;
    output.seal(checkpoint);
    context.crashPoint("partition: after freeze");
    const taken = { moment, frozen, overtaken, startedAt, frozenAt, processedBytes };
    const finish = async (): Promise<void> => {
      try {
        await this.#finish(run, taken);
      } catch (error) {
        if (!this.#isClosed) await this.#decline(run, taken, error);
      }
    };
    this.#work = this.#work.then(finish);
    context.keepAlive(this.#work);
  }

  /** The coordinator decided against this checkpoint, or for a newer one. */
  abort(checkpoint: number): void {
    for (const run of this.#runs.values()) {
      if (run.checkpoint <= checkpoint) this.#settle(run, "settled");
    }
  }

  /** This checkpoint is the newest completed one: its tables may be built upon [7, 10]. */
  complete(checkpoint: number): void {
    if (checkpoint <= this.#completed) return;
    this.#completed = checkpoint;
    const held = this.#held.get(checkpoint);
    if (held?.persisted !== undefined) {
      this.#options.engine.confirm(held.persisted);
      delete held.persisted;
    }
    this.#options.output.complete(checkpoint);
    for (const older of this.#held.keys()) {
      if (older < checkpoint) this.#held.delete(older);
    }
    this.abort(checkpoint);
  }

  /** This attempt is over: nothing is acknowledged any more. */
  close(): void {
    this.#isClosed = true;
    for (const run of this.#runs.values()) this.#settle(run, "lost");
  }

  #settle(run: Run, outcome: BarrierOutcome): void {
    this.#runs.delete(run.checkpoint);
    run.settle(outcome);
  }

  async #finish(run: Run, taken: Taken): Promise<void> {
    const { context, notes, task, fence, counter } = this.#options;
    const { moment, frozen } = taken;
    const persisted = frozen && (await this.#persist(run, frozen));
    if (this.#isClosed || (frozen !== undefined && persisted === undefined)) return;
    const inFlight = await this.#prepareInFlight(run, taken.overtaken);
    if (inFlight === undefined) return;
    const output = await this.#prepareOutput(run);
    if (output === undefined) return this.#giveBack(inFlight);
    await this.#options.mayAcknowledge();
    if (this.#isClosed) return;
    const held = this.#held.get(run.checkpoint);
    if (held !== undefined && persisted !== undefined) held.persisted = persisted;
    if (held !== undefined) held.hasInFlight = inFlight.reference !== undefined;
    const uploads = [
      ...(persisted?.uploads ?? []),
      ...(inFlight.object === undefined ? [] : [inFlight.object]),
      ...this.#unneeded,
    ];
    const { operations, recordsIn } = counter.take();
    const acknowledgement = {
      ...fence,
      task,
      checkpoint: run.checkpoint,
      base: run.base,
      ...(persisted && {
        state: {
          ...moment,
          tables: persisted.tables,
          ...(inFlight.reference && { inFlight: inFlight.reference }),
        },
      }),
      uploads,
      output,
      metrics: {
        syncDurationMs: taken.frozenAt - taken.startedAt,
        asyncDurationMs: context.environment.now() - taken.frozenAt,
        alignmentDurationMs: taken.startedAt - run.firstBarrierAt,
        startDelayMs: 0,
        processedBytes: taken.processedBytes,
        persistedBytes: inFlight.reference?.bytes ?? 0,
        isUnaligned: inFlight.reference !== undefined,
        uploadedBytes: (persisted?.uploadedBytes ?? 0) + inFlight.size,
        operations,
        recordsIn,
        recordsOut: this.#options.output.takeRecords(),
      },
    };
    const isOver = (): boolean => this.#isClosed;
    const answer = await acknowledgeCheckpoint(this.#options, acknowledgement, isOver);
    if (answer === undefined) return;
    // Whatever the answer is, the coordinator has registered the objects [37].
    const uploaded = uploads.map((upload) => upload.path);
    notes.forget([...uploaded, ...outputPaths(output)]);
    this.#unneeded = this.#unneeded.filter(({ path }) => !uploaded.includes(path));
    if (this.#isClosed) return;
    if (answer.kind === "restore") return this.#options.restore();
    if (answer.kind === "refused") this.#held.delete(run.checkpoint);
    this.#settle(run, "settled");
    this.#options.acknowledged();
  }

  /** What was frozen stays in the engine, and the next checkpoint takes it along. */
  async #decline(run: Run, { frozen }: Taken, error: unknown): Promise<void> {
    const { engine, fence, task } = this.#options;
    const { checkpoint } = run;
    this.#held.delete(checkpoint);
    if (frozen !== undefined) engine.discard(frozen);
    await declineCheckpoint(this.#options, { ...fence, task, checkpoint }, error);
    this.#settle(run, this.#isClosed ? "lost" : "settled");
  }

  /** Undefined when the checkpoint was given up, or this attempt was over, before it was done. */
  async #persist(run: Run, frozen: FrozenState): Promise<PersistedState | undefined> {
    const { engine } = this.#options;
    const { mode } = run;
    const persisted = await this.#untilWritten(run, () =>
      engine.persist(frozen, { mode, inlineLimitBytes: INLINE_LIMIT_BYTES }),
    );
    if (persisted === undefined && !this.#isClosed) engine.discard(frozen);
    return persisted;
  }

  /** Undefined as for #persist. */
  async #prepareInFlight(run: Run, taken: OvertakenFrames): Promise<InFlightWritten | undefined> {
    const outgoing = taken.outgoing === undefined ? [] : await taken.outgoing;
    const frames = [...taken.incoming, ...outgoing];
    if (frames.length === 0) return NOTHING_IN_FLIGHT;
    const { context, inFlightUploads } = this.#options;
    const upload = new InFlightUpload(frames, inFlightUploads, context.environment);
    const reference = await this.#untilWritten(run, () => upload.write());
    const { object, size } = upload;
    const written = { ...(object && { object }), size };
    if (reference !== undefined) return { ...written, reference };
    this.#giveBack(written);
    return undefined;
  }

  /** No acknowledgement will name it as in use. */
  #giveBack({ object }: InFlightWritten): void {
    if (object !== undefined) this.#unneeded = [...this.#unneeded, object];
  }

  /** Undefined as for #persist. */
  #prepareOutput({ checkpoint, base }: Run): Promise<readonly OutputInterval[] | undefined> {
    return this.#untilWritten({ checkpoint }, () =>
      this.#options.output.intervals(base, checkpoint),
    );
  }

  /**
   * Storage that does not answer loses nothing: what is to be written is still in memory, so it is
   * tried again until the coordinator gives the checkpoint up.
   */
  async #untilWritten<Written>(
    { checkpoint }: Pick<Run, "checkpoint">,
    write: () => Promise<Written>,
  ): Promise<Written | undefined> {
    for (let retryMs = SHORTEST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
      if (this.#isClosed || !this.#runs.has(checkpoint)) return undefined;
      try {
        return await write();
      } catch (error) {
        if (this.#isClosed) return undefined;
        if (!(error instanceof StateEngineError) || error.kind !== "unavailable") throw error;
      }
      await delay(this.#options.context, retryMs);
    }
  }
}

function isSameMoment(left: Moment, right: Moment): boolean {
  if (left.sequence !== right.sequence || left.time !== right.time) return false;
  if (left.watermark !== right.watermark) return false;
  const channels = Object.keys(left.watermarks);
  if (channels.length !== Object.keys(right.watermarks).length) return false;
  return channels.every((channel) => left.watermarks[channel] === right.watermarks[channel]);
}
