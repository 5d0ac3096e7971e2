/**
 * One partition with a coordinator and sources that the test plays: it decides what they answer and
 * sees what they were asked. Time stands still unless the test moves it.
 */
import { job, jobGraphOf } from "../../../dataflow/job.ts";
import { FrameWriter } from "../../../dataflow/frame.ts";
import { keyGroupOf } from "../../../dataflow/key-group.ts";
import type {
  AcknowledgeAnswer,
  CheckpointDecline,
  Acknowledgement,
  AttachPartitionAnswer,
  AttachPartitionRequest,
  Barrier,
  ChannelAnswer,
  ChannelFence,
  CoordinatorCalls,
  OpenChannelAnswer,
  PartitionState,
  Position,
  RewindAnswer,
  RewindRequest,
  SourceCalls,
  SourceFrame,
  TaskFailure,
} from "../../../durable-objects/messages.ts";
import type { ObjectContext } from "../../../durable-objects/object-context.ts";
import { PartitionTask } from "../../../durable-objects/partition/partition.ts";
import type { BlobEntry, BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { hash32 } from "../../../state-engine/index.ts";
import { drainMicrotasks } from "../../support/manual-clock.ts";
import {
  createNodeObjectContext,
  type NodeObjectContext,
} from "../../support/node-object-context.ts";

export const maxParallelism = 16;
export const generation = 3;

const emptyState: PartitionState = { tables: [], watermarks: {}, time: 0, sequence: 0 };

/** A bucket in memory that remembers what was done to it. */
export class RecordingBlobStore implements BlobStore {
  readonly blobs = new Map<string, Uint8Array>();
  readonly operations: string[] = [];
  /** Called before each put: throw from it to refuse. */
  onPut: (path: string) => void = () => {};

  async get(path: string): Promise<Uint8Array | undefined> {
    this.operations.push(`get ${path}`);
    return this.blobs.get(path)?.slice();
  }
  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    this.operations.push(`get ${path}`);
    return this.blobs.get(path)?.slice(offset, offset + length);
  }
  async put(path: string, bytes: Uint8Array): Promise<"written"> {
    this.operations.push(`put ${path}`);
    this.onPut(path);
    this.blobs.set(path, bytes.slice());
    return "written";
  }
  async list(): Promise<readonly BlobEntry[]> {
    throw new Error("A partition never lists the bucket.");
  }
  async delete(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.operations.push(`delete ${path}`);
      this.blobs.delete(path);
    }
  }
}

export interface HarnessOptions {
  readonly sources?: number;
  readonly intervalMs?: number;
}

export class PartitionHarness {
  readonly blobStore = new RecordingBlobStore();
  readonly attaches: AttachPartitionRequest[] = [];
  readonly acknowledgements: Acknowledgement[] = [];
  readonly failures: TaskFailure[] = [];
  readonly declines: CheckpointDecline[] = [];
  readonly rewinds: RewindRequest[] = [];
  /** What the coordinator would give to whoever attaches now. */
  generation = generation;
  attempt = 0;
  completed = 0;
  restored: PartitionState = emptyState;
  offsets: number[];
  knownUploads: readonly string[] = [];
  furthest: Position = { line: 0, record: 0 };
  onAttach: () => Promise<AttachPartitionAnswer> = async () => this.attachAnswer();
  onAcknowledge: (one: Acknowledgement) => Promise<AcknowledgeAnswer> = async () => ({
    kind: "accepted",
  });
  onRewind: (request: RewindRequest) => Promise<RewindAnswer> = async () => ({
    kind: "rewound",
    furthest: this.furthest,
  });
  context: NodeObjectContext;
  task: PartitionTask;

  readonly #options: HarnessOptions;
  readonly #sessions = new Map<number, number>();

  constructor(options: HarnessOptions = {}) {
    this.#options = options;
    this.offsets = Array.from({ length: options.sources ?? 1 }, () => 0);
    this.context = createNodeObjectContext({ blobStore: this.blobStore, peers: this.#peers() });
    this.task = this.#createTask();
  }

  get position(): Pick<SourceFrame, "generation" | "attempt"> {
    return { generation: this.generation, attempt: this.attempt };
  }

  /** What calls of a sender that opened its channel last carry. */
  fence(source: number): ChannelFence {
    return { ...this.position, session: this.#sessions.get(source) ?? 0 };
  }

  /** Opens one channel and takes part in its session from now on. */
  async openChannel(source: number): Promise<OpenChannelAnswer> {
    const answer = await this.task.openChannel({ source, generation: this.generation });
    if (answer.kind === "open") this.#sessions.set(source, answer.channel.session);
    return answer;
  }

  attachAnswer(): AttachPartitionAnswer {
    this.attempt += 1;
    return {
      kind: "attached",
      ...this.position,
      checkpoint: this.completed,
      decided: this.completed,
      restored: this.restored,
      sources: this.offsets.map((offset, source) => ({ source, offset, watermark: null })),
      keyGroups: { first: 0, last: maxParallelism - 1 },
      parallelism: { counts: 1 },
      knownUploads: this.knownUploads,
      pathPrefix: "incarnation/",
    };
  }

  /** The object loses its memory; SQLite, alarm and bucket stay. */
  restart(): void {
    this.context = this.context.restart();
    this.task = this.#createTask();
  }

  /** Attaches and answers the calls' fence. */
  async open(): Promise<void> {
    for (const source of this.offsets.keys()) {
      await this.openChannel(source);
    }
    await drainMicrotasks();
  }

  /** A frame of lines `from` to `to`; `counts` are its records. */
  frame(
    [from, to]: readonly [number | Position, number | Position],
    counts: Readonly<Record<string, number>>,
    change: Partial<SourceFrame> = {},
  ): Promise<ChannelAnswer> {
    return this.task.frame({
      ...this.fence(change.source ?? 0),
      source: 0,
      from: asPosition(from),
      to: asPosition(to),
      watermark: -Infinity,
      arrivalTime: 1,
      bytes: countFrame(counts),
      ...change,
    });
  }

  barrier(
    checkpoint: number,
    offset: number,
    change: Partial<Barrier> = {},
  ): Promise<ChannelAnswer> {
    return this.task.barrier({
      ...this.fence(change.source ?? 0),
      source: 0,
      checkpoint,
      base: this.completed,
      offset,
      watermark: -Infinity,
      mode: "incremental",
      ...change,
    });
  }

  /** Makes what was acknowledged last the completed checkpoint. */
  async complete(checkpoint: number, offsets: readonly number[]): Promise<void> {
    const acknowledged = this.acknowledgements.findLast((one) => one.checkpoint === checkpoint)!;
    this.completed = checkpoint;
    this.restored = acknowledged.state ?? this.restored;
    this.knownUploads = [
      ...this.knownUploads,
      ...acknowledged.uploads.map((upload) => upload.path),
    ];
    this.offsets = [...offsets];
    await this.task.completeCheckpoint({ generation: this.generation, checkpoint });
  }

  /** The count of a key as the partition answers it, 0 when it has none. */
  async count(key: string): Promise<number | string> {
    const bytes = new TextEncoder().encode(key);
    const keyGroup = keyGroupOf(hash32(bytes, 0, bytes.length), maxParallelism);
    const answer = await this.task.readState({ state: "counts", keyGroup, key: bytes });
    if (answer.kind === "found") return Number(answer.json);
    return answer.kind === "missing" ? 0 : answer.kind;
  }

  #createTask(): PartitionTask {
    const stream = job("test", {
      parallelism: 1,
      maxParallelism,
      sources: this.#options.sources ?? 1,
      checkpoint: { intervalMs: this.#options.intervalMs ?? 0 },
    })
      .lines()
      .keyBy((line) => line)
      .count("counts");
    const context: ObjectContext = this.context;
    const task = new PartitionTask(context, jobGraphOf(stream), { vertex: "counts", index: 0 });
    this.context.onAlarm = () => task.alarm();
    return task;
  }

  #peers(): ObjectContext["peers"] {
    const coordinator: Pick<
      CoordinatorCalls,
      "attachPartition" | "acknowledge" | "declineCheckpoint" | "fail"
    > = {
      attachPartition: (request) => {
        this.attaches.push(request);
        return this.onAttach();
      },
      acknowledge: (acknowledgement) => {
        this.acknowledgements.push(acknowledgement);
        return this.onAcknowledge(acknowledgement);
      },
      declineCheckpoint: async (decline) => void this.declines.push(decline),
      fail: async (failure) => void this.failures.push(failure),
    };
    const source: Pick<SourceCalls, "rewind"> = {
      rewind: (request) => {
        this.rewinds.push(request);
        return this.onRewind(request);
      },
    };
    return {
      coordinator: () => coordinator as CoordinatorCalls,
      source: () => source as SourceCalls,
      partition: () => {
        throw new Error("A partition fed by sources only calls no other partition.");
      },
    };
  }
}

export function countFrame(counts: Readonly<Record<string, number>>): Uint8Array {
  const writer = new FrameWriter();
  for (const [key, count] of Object.entries(counts)) {
    const bytes = new TextEncoder().encode(key);
    writer.addCount(hash32(bytes, 0, bytes.length), bytes, 0, bytes.length, count);
  }
  return writer.finish();
}

/** What a promise has settled with by now, "open" when it has not. */
export async function stateOf<Value>(promise: Promise<Value>): Promise<Value | "open"> {
  await drainMicrotasks();
  return Promise.race([promise, Promise.resolve("open" as const)]);
}

function asPosition(place: number | Position): Position {
  return typeof place === "number" ? { line: place, record: 0 } : place;
}
