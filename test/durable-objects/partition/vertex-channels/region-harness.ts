/**
 * One partition of a job of two keyed vertices, with a coordinator, sources and partitions that the
 * test plays. "counts" counts words and feeds "groups", each on two partitions. Time stands still
 * unless the test moves it.
 */
import { RecordPartitioner } from "../../../../dataflow/record-partitioner.ts";
import { job } from "../../../../dataflow/job.ts";
import type { Edge, JobGraph } from "../../../../dataflow/job-graph.ts";
import type {
  Acknowledgement,
  AttachPartitionAnswer,
  Barrier,
  ChannelAnswer,
  CoordinatorCalls,
  PartitionCalls,
  PartitionState,
  SourceCalls,
  TaskFailure,
  TaskId,
} from "../../../../durable-objects/messages.ts";
import { PartitionTask } from "../../../../durable-objects/partition/partition.ts";
import type {
  OpenVertexChannel,
  OpenVertexChannelAnswer,
  RollbackRequest,
  VertexBarrier,
  VertexChannelAnswer,
  VertexFrame,
  VertexPosition,
  VertexRewind,
} from "../../../../durable-objects/vertex-messages.ts";
import { drainMicrotasks } from "../../../support/manual-clock.ts";
import {
  createNodeObjectContext,
  type NodeObjectContext,
} from "../../../support/node-object-context.ts";
import { RecordingBlobStore } from "../partition-harness.ts";

export const MAX_PARALLELISM = 16;
const HALF = MAX_PARALLELISM / 2;
const emptyState: PartitionState = { tables: [], watermarks: {}, time: 0, sequence: 0 };

export function regionGraph(): JobGraph {
  return job("region", {
    parallelism: 2,
    maxParallelism: MAX_PARALLELISM,
    sources: 1,
    checkpoint: { intervalMs: 0 },
  })
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("groups").graph;
}

/** A partition that the test plays: what came to it, and what it answers. */
export class PlayedPartition {
  readonly opened: OpenVertexChannel[] = [];
  readonly frames: VertexFrame[] = [];
  readonly barriers: VertexBarrier[] = [];
  readonly rewinds: VertexRewind[] = [];
  position: VertexPosition;
  attempt = 1;
  session = 0;
  creditBytes = 1 << 20;
  onFrame: (frame: VertexFrame) => Promise<VertexChannelAnswer> = async () => this.done();
  onBarrier: (barrier: VertexBarrier) => Promise<VertexChannelAnswer> = async () => this.done();

  constructor(position: VertexPosition) {
    this.position = position;
  }

  done(): VertexChannelAnswer {
    return { kind: "done", creditBytes: this.creditBytes };
  }

  /** Memory is lost and `checkpoint` restored. */
  restart(checkpoint: number): void {
    this.attempt += 1;
    this.session = 0;
    this.position = { barrier: checkpoint, index: 0 };
  }

  get calls(): Partial<PartitionCalls> {
    return {
      openVertexChannel: async (request): Promise<OpenVertexChannelAnswer> => {
        this.opened.push(request);
        this.session += 1;
        const { attempt, session, position, creditBytes } = this;
        const { generation } = request;
        return {
          kind: "open",
          channel: { generation, attempt, session, position, creditBytes },
        };
      },
      vertexFrame: (frame) => {
        if (!this.#isOurs(frame)) return Promise.resolve({ kind: "notReady", retryAfterMs: 0 });
        this.frames.push(frame);
        if (frame.bytes.length > 0) {
          this.position = { ...frame.position, index: frame.position.index + 1 };
        }
        return this.onFrame(frame);
      },
      vertexBarrier: (barrier) => {
        if (!this.#isOurs(barrier)) return Promise.resolve({ kind: "notReady", retryAfterMs: 0 });
        this.barriers.push(barrier);
        this.position = { barrier: barrier.checkpoint, index: 0 };
        return this.onBarrier(barrier);
      },
      rewindVertexChannel: async (request) => {
        this.rewinds.push(request);
        return { kind: "heard" };
      },
    };
  }

  #isOurs(call: { readonly attempt: number; readonly session: number }): boolean {
    return call.attempt === this.attempt && call.session === this.session;
  }
}

export class RegionHarness {
  readonly graph = regionGraph();
  readonly acknowledgements: Acknowledgement[] = [];
  readonly failures: TaskFailure[] = [];
  readonly rollbacks: RollbackRequest[] = [];
  readonly played = new Map<string, PlayedPartition>();
  attaches = 0;
  generation = 1;
  attempt = 0;
  completed = 0;
  decided = 0;
  offset = 0;
  restored = emptyState;
  /** What the coordinator answers to a rollback: by default it happens. */
  onRollback: () => { readonly generation: number } = () => ({ generation: ++this.generation });
  context: NodeObjectContext;
  task: PartitionTask;
  readonly #task: TaskId;
  #marks = 0;
  #session = 0;

  constructor(task: TaskId) {
    this.#task = task;
    const blobStore = new RecordingBlobStore();
    this.context = createNodeObjectContext({ blobStore, peers: this.#peers() });
    this.task = this.#create();
  }

  peer(vertex: string, index: number): PlayedPartition {
    const name = `${vertex}/${index}`;
    const known = this.played.get(name);
    if (known !== undefined) return known;
    const created = new PlayedPartition({ barrier: this.completed, index: 0 });
    this.played.set(name, created);
    return created;
  }

  restart(): void {
    this.context = this.context.restart();
    this.task = this.#create();
  }

  /** Opens the source's channel, and so attaches. */
  async open(): Promise<void> {
    const { generation } = this;
    const answer = await this.task.openChannel({ source: 0, generation });
    if (answer.kind === "open") this.#session = answer.channel.session;
    await drainMicrotasks();
  }

  /** A frame of words from the source. */
  words([from, to]: readonly [number, number], words: readonly string[]): Promise<ChannelAnswer> {
    return this.task.frame({
      ...this.#fence,
      session: this.#session,
      source: 0,
      from: { line: from, record: 0 },
      to: { line: to, record: 0 },
      watermark: -Infinity,
      arrivalTime: 1,
      bytes: this.#frameOf("counts", words),
    });
  }

  barrier(
    checkpoint: number,
    offset: number,
    change: Partial<Barrier> = {},
  ): Promise<ChannelAnswer> {
    return this.task.barrier({
      ...this.#fence,
      session: this.#session,
      source: 0,
      checkpoint,
      base: this.completed,
      offset,
      watermark: -Infinity,
      mode: "incremental",
      ...change,
    });
  }

  /** Opens a channel as the partition `index` of "counts". */
  openAs(index: number, change: Partial<OpenVertexChannel> = {}): Promise<OpenVertexChannelAnswer> {
    return this.task.openVertexChannel({
      generation: this.generation,
      sender: { vertex: "counts", index },
      senderAttempt: 1,
      restored: this.completed,
      decided: this.decided,
      ...change,
    });
  }

  /** A frame from the partition `index` of "counts": counts that keys have now. Without any it is a mark. */
  counts(
    index: number,
    position: VertexPosition,
    counts: readonly number[],
    change: Partial<VertexFrame> = {},
  ): Promise<VertexChannelAnswer> {
    const changes = counts.map((value) => ({ isTakenOut: false, key: `key${value}`, value }));
    return this.task.vertexFrame({
      ...this.#fence,
      session: 1,
      sender: { vertex: "counts", index },
      position,
      watermark: -Infinity,
      isIdle: true,
      hasCaughtUp: true,
      markNumber: counts.length === 0 ? ++this.#marks : 0,
      arrivalTime: 1,
      bytes: counts.length === 0 ? new Uint8Array(0) : this.#frameOf("groups", changes),
      ...change,
    });
  }

  barrierFrom(
    index: number,
    checkpoint: number,
    position: VertexPosition,
    change: Partial<VertexBarrier> = {},
  ): Promise<VertexChannelAnswer> {
    return this.task.vertexBarrier({
      ...this.#fence,
      session: 1,
      sender: { vertex: "counts", index },
      position,
      watermark: -Infinity,
      isIdle: true,
      checkpoint,
      base: this.completed,
      mode: "incremental",
      ...change,
    });
  }

  /** Live entries of the partition's only state, as JSON texts; undefined while it has not caught up. */
  async entries(): Promise<Readonly<Record<string, string>> | undefined> {
    const state = this.#task.vertex;
    const answer = this.task.scanState({ state, prefix: "", limit: 100, order: "key" });
    await drainMicrotasks();
    await this.context.clock.advance(6_000);
    const page = await answer;
    if (page.kind !== "page") return undefined;
    return Object.fromEntries(page.entries.map(({ key, value }) => [key, value!]));
  }

  get #fence(): { readonly generation: number; readonly attempt: number } {
    return { generation: this.generation, attempt: this.attempt };
  }

  #create(): PartitionTask {
    const task = new PartitionTask(this.context, this.graph, this.#task);
    this.context.onAlarm = () => task.alarm();
    return task;
  }

  /** Records for this partition alone: it owns all key groups here. */
  #frameOf(uid: string, records: readonly unknown[]): Uint8Array {
    const vertex = this.graph.vertices.find((one) => one.uid === uid)!;
    const edge: Edge = {
      kind: "edge",
      vertex: uid,
      input: 0,
      partitioning: "hash",
      key: vertex.key,
    };
    const frames: Uint8Array[] = [];
    const partitioner = new RecordPartitioner({
      vertex,
      parallelism: 1,
      maxParallelism: MAX_PARALLELISM,
      onFrame: (_partition, frame) => frames.push(frame),
    });
    const origin = { timestamp: undefined, watermark: -Infinity, arrivalTime: 1, line: 0 };
    for (const record of records) partitioner.add(edge, record, origin);
    partitioner.drain();
    return frames[0]!;
  }

  #attach(): AttachPartitionAnswer {
    this.attaches += 1;
    this.attempt += 1;
    return {
      kind: "attached",
      ...this.#fence,
      checkpoint: this.completed,
      decided: this.decided,
      restored: this.restored,
      sources: [{ source: 0, offset: this.offset, watermark: null }],
      keyGroups: { first: 0, last: 2 * HALF - 1 },
      parallelism: { counts: 2, groups: 2 },
      knownUploads: [],
      pathPrefix: "incarnation/",
    };
  }

  #peers(): NodeObjectContext["peers"] {
    const coordinator: Partial<CoordinatorCalls> = {
      attachPartition: async () => this.#attach(),
      acknowledge: async (acknowledgement) => {
        this.acknowledgements.push(acknowledgement);
        return { kind: "accepted" };
      },
      fail: async (failure) => void this.failures.push(failure),
      requestRollback: async (request) => {
        this.rollbacks.push(request);
        return this.onRollback();
      },
    };
    const source: Partial<SourceCalls> = {
      rewind: async () => ({ kind: "rewound", furthest: { line: 0, record: 0 } }),
    };
    return {
      coordinator: () => coordinator as CoordinatorCalls,
      source: () => source as SourceCalls,
      partition: ({ vertex, index }) => this.peer(vertex, index).calls as PartitionCalls,
    };
  }
}
