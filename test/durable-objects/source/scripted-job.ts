/**
 * A job around one source, written by hand for tests of the source: receivers that hold rule 1 to the
 * letter, a coordinator that completes a checkpoint once every receiver has its barrier, and faults
 * drawn from a seed (calls lost before or after their effect, late answers, receivers that lose their
 * memory). Each receiver counts words in a Map; the expected counts come from the lines themselves.
 */
import { deepStrictEqual } from "node:assert/strict";
import { FrameReader } from "../../../dataflow/frame.ts";
import { job } from "../../../dataflow/job.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { keyGroupOf, partitionOfKeyGroup } from "../../../dataflow/key-group.ts";
import type {
  AttachSourceAnswer,
  Barrier,
  ChannelAnswer,
  ChannelFence,
  ChannelState,
  CoordinatorCalls,
  OpenChannelAnswer,
  PartitionCalls,
  Position,
  SourceCalls,
  SourceFrame,
  SourceReport,
  TaskFailure,
} from "../../../durable-objects/messages.ts";
import type { Peers } from "../../../durable-objects/object-context.ts";
import { SourceTask } from "../../../durable-objects/source/source.ts";
import { hash32 } from "../../../state-engine/bytes/hash.ts";
import { keyCodecs } from "../../../state-engine/state/key-codec.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { createNodeObjectContext } from "../../support/node-object-context.ts";
import type { NodeObjectContext } from "../../support/node-object-context.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

export type Counts = Record<string, number>;

const vertex = "counts";
const maxParallelism = 16;

export interface ScriptedJobOptions {
  readonly parallelism?: number;
  readonly seed?: number;
  /** Chance that a call is lost, before or after its effect. */
  readonly loss?: number;
  readonly creditBytes?: number;
  readonly graph?: JobGraph;
}

export class ScriptedJob {
  readonly graph: JobGraph;
  readonly receivers: readonly ScriptedReceiver[];
  readonly lines: string[] = [];
  readonly random: SeededRandom;
  readonly creditBytes: number;
  readonly reports: { report: SourceReport; reason: string }[] = [];
  readonly failures: TaskFailure[] = [];
  /** What receivers saw and must never see. */
  readonly violations: string[] = [];
  generation = 1;
  status: "RUNNING" | "STOPPED" = "RUNNING";
  completed = 0;
  completedOffset = 0;
  /** The newest checkpoint triggered, and the one under way. */
  triggered = 0;
  pending: number | undefined;
  attaches = 0;
  /** Offset by checkpoint, as the source answered the trigger. */
  readonly offsets = new Map<number, number>();
  loss: number;
  context: NodeObjectContext;
  source: SourceTask;
  #incarnation = { isAlive: true };

  constructor(options: ScriptedJobOptions = {}) {
    const { parallelism = 2, seed = 1, loss = 0, creditBytes = 1_000_000 } = options;
    this.graph = options.graph ?? wordCount(parallelism);
    this.random = new SeededRandom(seed);
    this.loss = loss;
    this.creditBytes = creditBytes;
    this.receivers = Array.from(
      { length: parallelism },
      (_, index) => new ScriptedReceiver(this, index),
    );
    this.context = createNodeObjectContext({ peers: this.#peers() });
    this.source = this.#wake();
  }

  get clock(): ManualClock {
    return this.context.clock;
  }

  /** The source loses its memory and wakes up. */
  restartSource(): void {
    this.#incarnation.isAlive = false;
    this.#incarnation = { isAlive: true };
    this.context = this.context.restart({ peers: this.#peers() });
    this.source = this.#wake();
  }

  async append(lines: readonly string[]): Promise<void> {
    const answer = await this.source.append(segment(lines));
    deepStrictEqual(answer, { kind: "appended", added: lines.length });
    this.lines.push(...lines);
  }

  /** Starts the next checkpoint, giving up the one before if it is still under way. */
  async trigger(): Promise<boolean> {
    if (this.pending !== undefined) {
      await this.source.abortCheckpoint({ generation: 1, checkpoint: this.pending });
      this.pending = undefined;
    }
    const checkpoint = this.triggered + 1;
    const answer = await this.source.triggerCheckpoint({
      generation: this.generation,
      checkpoint,
      base: this.completed,
      mode: "incremental",
    });
    if (answer.kind === "notReady") return false;
    this.triggered = checkpoint;
    this.pending = checkpoint;
    this.offsets.set(checkpoint, answer.state.offset);
    return true;
  }

  /** Completes the checkpoint under way if every receiver has acknowledged it. */
  async completeIfAcknowledged(): Promise<void> {
    const checkpoint = this.pending;
    if (checkpoint === undefined) return;
    if (!this.receivers.every((receiver) => receiver.snapshots.has(checkpoint))) return;
    this.pending = undefined;
    this.completed = checkpoint;
    this.completedOffset = this.offsets.get(checkpoint)!;
    if (this.random.chance(this.loss)) return;
    await this.source.completeCheckpoint({
      generation: this.generation,
      checkpoint,
      offset: this.completedOffset,
      truncateBefore: this.completedOffset,
    });
  }

  /** Counts of the words of partition `index` in the first `lines` lines. */
  expectedCounts(index: number, lines = this.lines.length): Counts {
    const counts: Counts = {};
    for (const line of this.lines.slice(0, lines)) {
      for (const word of line.split(" ")) {
        if (partitionOf(word, this.receivers.length) === index)
          counts[word] = (counts[word] ?? 0) + 1;
      }
    }
    return counts;
  }

  attachAnswer(): AttachSourceAnswer {
    this.attaches++;
    if (this.status !== "RUNNING")
      return { kind: "wait", retryAfterMs: 1_000, status: this.status };
    return {
      kind: "attached",
      generation: this.generation,
      status: "RUNNING",
      parallelism: { [vertex]: this.receivers.length },
      restored: { source: 0, offset: this.completedOffset, watermark: null },
      completed: this.completed,
      truncateBefore: this.completedOffset,
      givenUp: [],
      intervalMs: this.graph.options.checkpoint.intervalMs,
    };
  }

  /** A call over the network: it may be lost before or after its effect, and its answer may be late. */
  async call<Answer>(effect: () => Answer | Promise<Answer>): Promise<Answer> {
    const { random } = this;
    const isLost = random.chance(this.loss);
    const hasEffect = !isLost || random.chance(0.5);
    const answer = hasEffect ? Promise.resolve(effect()) : undefined;
    // A refusal reaches the caller with the answer, after its delay.
    answer?.catch(() => undefined);
    if (random.chance(0.7)) await this.#delay(random.integer(300));
    if (isLost) throw new Error("The network lost this call.");
    return await answer!;
  }

  #delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(this.clock.now() + milliseconds, resolve);
    });
  }

  #wake(): SourceTask {
    const source = new SourceTask(this.context, this.graph, 0);
    this.context.onAlarm = () => source.alarm();
    return source;
  }

  #peers(): Peers {
    const incarnation = this.#incarnation;
    const coordinator = {
      attachSource: () => this.call(() => this.attachAnswer()),
      sourceChanged: (report: (typeof this.reports)[number]) =>
        this.call(() => void this.reports.push(report)),
      fail: (failure: TaskFailure) => this.call(() => void this.failures.push(failure)),
    } as Partial<CoordinatorCalls> as CoordinatorCalls;
    return {
      coordinator: () => whileAlive(coordinator, incarnation),
      partition: ({ index }) => whileAlive(this.receivers[index]!.calls, incarnation),
      source: () => {
        throw new Error("A source calls no source.");
      },
    };
  }
}

/** An object that lost its memory neither calls nor hears answers. */
function whileAlive<Calls extends object>(calls: Calls, incarnation: { isAlive: boolean }): Calls {
  return new Proxy(calls, {
    get(target, property) {
      const method = Reflect.get(target, property) as (request: unknown) => Promise<unknown>;
      return (request: unknown) => {
        if (!incarnation.isAlive) return new Promise(() => undefined);
        const wire = structuredClone(request);
        return new Promise((resolve, reject) => {
          method(wire).then(
            (answer) => incarnation.isAlive && resolve(structuredClone(answer)),
            (error: unknown) => incarnation.isAlive && reject(error as Error),
          );
        });
      };
    },
  });
}

export class ScriptedReceiver {
  readonly #job: ScriptedJob;
  readonly #index: number;
  counts: Counts = {};
  position: Position = { line: 0, record: 0 };
  lastBarrier = 0;
  attempt = 1;
  session = 0;
  frames = 0;
  largestFrame = 0;
  /** Bytes of frames under way at most at any time. */
  mostUnderWay = 0;
  #underWay = 0;
  /** Numbers of the frame calls, from 1, that break before they have an effect. */
  lostFrames: readonly number[] = [];
  #frameCalls = 0;
  /** While set, the calls of frames break, and the frames stay under way: see deliverLate. */
  underWay: SourceFrame[] | undefined;
  /** While set, answers "notReady". */
  isRestoring = false;
  /** While set, frames and barriers stay unanswered and unapplied. */
  gate: Promise<void> | undefined;
  readonly snapshots = new Map<number, { counts: Counts; offset: number }>();

  constructor(job: ScriptedJob, index: number) {
    this.#job = job;
    this.#index = index;
  }

  get state(): ChannelState {
    return {
      generation: this.#job.generation,
      attempt: this.attempt,
      session: this.session,
      position: this.position,
      lastBarrier: this.lastBarrier,
      creditBytes: this.#job.creditBytes,
    };
  }

  readonly calls = {
    openChannel: (request: { generation: number }) => this.#job.call(() => this.#open(request)),
    frame: (frame: SourceFrame) =>
      this.#job.call(async () => {
        if (this.underWay !== undefined) {
          this.underWay.push(frame);
          throw new Error("The connection was lost, and this frame is still under way.");
        }
        if (this.lostFrames.includes(++this.#frameCalls)) throw new Error("This frame was lost.");
        this.#underWay += frame.bytes.length;
        this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
        if (this.gate !== undefined) await this.gate;
        this.#underWay -= frame.bytes.length;
        return this.#frame(frame);
      }),
    barrier: (barrier: Barrier) =>
      this.#job.call(async () => {
        if (this.gate !== undefined) await this.gate;
        return this.#barrier(barrier);
      }),
  } as Partial<PartitionCalls> as PartitionCalls;

  /** A frame that was under way arrives after all; its sender hears no answer. */
  deliverLate(frame: SourceFrame): ChannelAnswer {
    return this.#frame(frame);
  }

  /** Memory is gone: back to the last completed checkpoint under a new attempt. */
  async loseMemory(source: SourceCalls): Promise<void> {
    const { completed } = this.#job;
    this.counts = { ...this.snapshots.get(completed)?.counts };
    this.position = { line: this.snapshots.get(completed)?.offset ?? 0, record: 0 };
    this.lastBarrier = completed;
    this.attempt++;
    this.session = 0;
    for (const checkpoint of this.snapshots.keys()) {
      if (checkpoint > completed) this.snapshots.delete(checkpoint);
    }
    const { generation, attempt } = this.state;
    const task = { vertex, index: this.#index };
    await source.rewind({ generation, attempt, task });
  }

  #open({ generation }: { generation: number }): OpenChannelAnswer {
    if (generation < this.#job.generation) return this.#stale();
    if (this.isRestoring) return { kind: "notReady", retryAfterMs: 100 };
    this.session++;
    return { kind: "open", channel: this.state };
  }

  #frame(frame: SourceFrame): ChannelAnswer {
    const refusal = this.#refuse(frame);
    if (refusal !== undefined) return refusal;
    if (compare(frame.from, frame.to) >= 0)
      this.#job.violations.push("a frame ends where it begins");
    if (compare(frame.to, this.position) <= 0) return this.#done();
    const isBarrierIn = (frame.afterBarrier ?? 0) <= this.lastBarrier;
    if (compare(frame.from, this.position) !== 0 || !isBarrierIn)
      return { kind: "reposition", channel: this.state };
    this.frames++;
    this.largestFrame = Math.max(this.largestFrame, frame.bytes.length);
    const reader = new FrameReader(frame.bytes);
    while (reader.next()) {
      const key = frame.bytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength);
      if (reader.hash !== hash32(key, 0, key.length)) this.#job.violations.push("a wrong hash");
      const word = keyCodecs.string.read(key) as string;
      this.counts[word] = (this.counts[word] ?? 0) + reader.delta;
    }
    this.position = frame.to;
    return this.#done();
  }

  #barrier(barrier: Barrier): ChannelAnswer {
    const refusal = this.#refuse(barrier);
    if (refusal !== undefined) return refusal;
    if (barrier.checkpoint <= this.lastBarrier) return this.#done();
    if (compare(this.position, { line: barrier.offset, record: 0 }) !== 0) {
      return { kind: "reposition", channel: this.state };
    }
    this.lastBarrier = barrier.checkpoint;
    this.snapshots.set(barrier.checkpoint, { counts: { ...this.counts }, offset: barrier.offset });
    return this.#done();
  }

  #refuse(request: ChannelFence): ChannelAnswer | undefined {
    if (request.generation < this.#job.generation) return this.#stale();
    if (this.isRestoring) return { kind: "notReady", retryAfterMs: 100 };
    const isOurs = request.attempt === this.attempt && request.session === this.session;
    return isOurs ? undefined : { kind: "notReady", retryAfterMs: 0 };
  }

  #stale() {
    return { kind: "staleGeneration", generation: this.#job.generation } as const;
  }

  #done(): ChannelAnswer {
    return { kind: "done", creditBytes: this.#job.creditBytes };
  }
}

export function wordCount(parallelism: number, options: object = {}): JobGraph {
  return job("wordcount", { parallelism, maxParallelism, ...options })
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .count(vertex).graph;
}

export function segment(lines: readonly string[], fromLine = 0, last = true) {
  return { fromLine, lines: lines.length, bytes: new TextEncoder().encode(lines.join("\n")), last };
}

function partitionOf(word: string, parallelism: number): number {
  const key = new TextEncoder().encode(word);
  const keyGroup = keyGroupOf(hash32(key, 0, key.length), maxParallelism);
  return partitionOfKeyGroup(keyGroup, parallelism, maxParallelism);
}

function compare(left: Position, right: Position): number {
  return left.line - right.line || left.record - right.record;
}
