/**
 * A coordinator with scripted tasks around it: sources and partitions that answer as the protocol
 * says, note what they were told, and can be made deaf.
 */
import assert from "node:assert/strict";
import { job as buildJob, jobGraphOf } from "../../../dataflow/job.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { ExternalSink } from "../../../durable-objects/coordinator/commits.ts";
import { JobCoordinator } from "../../../durable-objects/coordinator/coordinator.ts";
import type {
  Acknowledgement,
  AttachPartitionAnswer,
  CheckpointTrigger,
  PartitionCalls,
  SourceCalls,
  SourceReport,
  TaskId,
} from "../../../durable-objects/messages.ts";
import type { TableReference } from "../../../state-engine/version/table-reference.ts";
import {
  createNodeObjectContext,
  type NodeObjectContext,
} from "../../support/node-object-context.ts";
import { Crash, MortalContext } from "./mortal-context.ts";
import { ScriptedBucket } from "./scripted-bucket.ts";

export const noOperations = { classA: 0, classB: 0, rowsWritten: 0, requests: 0 };
export type Attached = Extract<AttachPartitionAnswer, { kind: "attached" }>;

export class ScriptedSource implements Partial<SourceCalls> {
  readonly index: number;
  generation = 1;
  accepted = 0;
  processed = 0;
  firstKept = 0;
  deaf = false;
  readonly triggers: CheckpointTrigger[] = [];
  readonly told: string[] = [];
  /** Its durable answers: one offset per checkpoint [2]. */
  readonly #offsets = new Map<number, number>();

  constructor(index: number) {
    this.index = index;
  }

  report(): SourceReport {
    const { accepted, firstKept, generation, processed } = this;
    return {
      source: this.index,
      generation,
      accepted,
      processed,
      firstKept,
      bytesKept: 0,
      operations: noOperations,
    };
  }

  async triggerCheckpoint(trigger: CheckpointTrigger) {
    this.#hear("trigger");
    this.triggers.push(trigger);
    const offset = this.#offsets.get(trigger.checkpoint) ?? this.processed;
    this.#offsets.set(trigger.checkpoint, offset);
    const state = { source: this.index, offset, watermark: null };
    return { kind: "triggered" as const, state, report: this.report() };
  }

  async awaitProcessed({ line }: { line: number; timeoutMs: number }): Promise<SourceReport> {
    this.#hear(`awaitProcessed ${line}`);
    return this.report();
  }

  async abortCheckpoint({ checkpoint }: { checkpoint: number }): Promise<void> {
    this.#hear(`abort ${checkpoint}`);
  }

  async completeCheckpoint({
    checkpoint,
    truncateBefore,
  }: {
    checkpoint: number;
    truncateBefore?: number;
  }): Promise<void> {
    this.#hear(`complete ${checkpoint}`);
    this.firstKept = truncateBefore ?? this.firstKept;
  }

  async enter({ generation, status }: { generation: number; status: string }): Promise<void> {
    this.#hear(`enter ${generation} ${status}`);
    this.generation = generation;
  }

  #hear(call: string): void {
    if (this.deaf) throw new Error("The source does not answer.");
    this.told.push(call);
  }
}

export class ScriptedPartition implements Partial<PartitionCalls> {
  deaf = false;
  noted: string[] = [];
  beforeNotes: (() => Promise<void>) | undefined;
  readonly told: string[] = [];

  async abortCheckpoint({ checkpoint }: { checkpoint: number }): Promise<void> {
    this.#hear(`abort ${checkpoint}`);
  }

  async completeCheckpoint({ checkpoint }: { checkpoint: number }): Promise<void> {
    this.#hear(`complete ${checkpoint}`);
  }

  async enter({ generation, status }: { generation: number; status: string }): Promise<void> {
    this.#hear(`enter ${generation} ${status}`);
  }

  async notedUploads(): Promise<readonly string[]> {
    this.#hear("notedUploads");
    await this.beforeNotes?.();
    return this.noted;
  }

  #hear(call: string): void {
    if (this.deaf) throw new Error("The partition does not answer.");
    this.told.push(call);
  }
}

export class ScriptedJob {
  readonly bucket = new ScriptedBucket();
  readonly sources: ScriptedSource[];
  readonly partitions: ScriptedPartition[];
  readonly attached: Attached[] = [];
  /** With the sinks, what a deploy changes for the next memory. */
  graph;
  context: NodeObjectContext;
  coordinator: JobCoordinator;
  crashes = 0;
  /** Of the next memory: a deploy changes them. */
  sinks: readonly ExternalSink[];
  #mortal: MortalContext;

  constructor(options: JobOptionsInput = {}, sinks: readonly ExternalSink[] = []) {
    this.sinks = sinks;
    const input = { parallelism: 2, sources: 1, ...options };
    const stream = buildJob("words", input).lines();
    this.graph = jobGraphOf(stream.keyBy((word) => word).count("counts"));
    this.sources = Array.from({ length: input.sources }, (_, index) => new ScriptedSource(index));
    this.partitions = Array.from({ length: input.parallelism }, () => new ScriptedPartition());
    this.context = createNodeObjectContext({
      blobStore: this.bucket,
      peers: {
        source: (index) => this.sources[index] as unknown as SourceCalls,
        partition: ({ index }) => this.partitions[index] as unknown as PartitionCalls,
        coordinator: () => this.coordinator,
      },
    });
    this.#mortal = new MortalContext(this.context);
    this.coordinator = this.#wake();
  }

  /** Ends the coordinator's memory the next time it passes this step; it wakes up at once. */
  crashAt(step: string): void {
    this.crashWhen((name) => name === step);
  }

  /** The same the next time it passes a step for which `isThere` is true. */
  crashWhen(isThere: (step: string) => boolean): void {
    const mortal = this.#mortal;
    const crashesBefore = this.crashes;
    this.context.onCrashPoint = (name) => {
      if (this.crashes > crashesBefore || !isThere(name)) return;
      this.crashes++;
      this.restart();
      mortal.die(name);
    };
  }

  /** A source says again what nobody may have heard. */
  async repeatReport(): Promise<void> {
    const source = this.sources[0]!;
    await this.coordinator.sourceChanged({ report: source.report(), reason: "silent" });
  }

  /** The coordinator loses its memory. */
  restart(options: { readonly codeVersion?: string } = {}): void {
    this.context = this.context.restart(options);
    this.#mortal = new MortalContext(this.context);
    this.coordinator = this.#wake();
  }

  get now(): number {
    return this.context.clock.now();
  }

  async advance(milliseconds: number): Promise<void> {
    await this.context.clock.advance(milliseconds);
  }

  /** All tasks attach; the partitions' answers are in `attached`. */
  async attachAll(codeVersion = "test"): Promise<void> {
    for (const source of this.sources) {
      const answer = await this.coordinator.attachSource({ source: source.index, codeVersion });
      if (answer.kind === "attached") source.generation = answer.generation;
    }
    for (const index of this.partitions.keys()) await this.attach(index, codeVersion);
  }

  async attach(index: number, codeVersion = "test"): Promise<Attached> {
    const answer = await this.coordinator.attachPartition({ task: task(index), codeVersion });
    if (answer.kind !== "attached")
      throw new Error(`Partition ${index} has to wait: ${answer.status}.`);
    this.attached[index] = answer;
    return answer;
  }

  /** Lines arrive and are cut; the coordinator hears of it. */
  async lines(
    count: number,
    reason: "input" | "silent" | "halfFull" = "input",
    source = 0,
  ): Promise<void> {
    const one = this.sources[source]!;
    one.accepted += count;
    one.processed = one.accepted;
    await this.coordinator.sourceChanged({ report: one.report(), reason });
  }

  acknowledgement(
    index: number,
    checkpoint: number,
    more: Partial<Acknowledgement> = {},
  ): Acknowledgement {
    const { attempt, generation } = this.attached[index]!;
    return {
      task: task(index),
      generation,
      attempt,
      checkpoint,
      base: this.sources[0]!.triggers.findLast((one) => one.checkpoint === checkpoint)?.base ?? 0,
      uploads: [],
      output: [],
      metrics: {
        syncDurationMs: 1,
        asyncDurationMs: 2,
        alignmentDurationMs: 3,
        startDelayMs: 4,
        uploadedBytes: 0,
        operations: noOperations,
        recordsIn: 5,
        recordsOut: 0,
      },
      ...more,
    };
  }

  /** An acknowledgement that lists tables in objects of these names, `uploaded` of them new. */
  withTables(
    index: number,
    checkpoint: number,
    names: readonly string[],
    uploaded = names,
  ): Acknowledgement {
    const tables = names.map((name) => table(this.path(index, name)));
    return this.acknowledgement(index, checkpoint, {
      state: { tables, watermarks: { 0: 7 }, time: 8, sequence: 9 + checkpoint },
      uploads: uploaded.map((name) => {
        const path = this.path(index, name);
        this.bucket.blobs.set(path, new Uint8Array(10));
        return { path, size: 10 };
      }),
    });
  }

  path(index: number, name: string): string {
    return `${this.attached[index]!.pathPrefix}${name}`;
  }

  /** One checkpoint from input to completion, every partition acknowledging an object of its own. */
  async completeOne(
    id: number,
    names: (index: number) => string[] = (index) => [`o${id}-${index}`],
  ): Promise<void> {
    await this.lines(10, "silent");
    await this.advance(this.graph.options.checkpoint.minPauseMs);
    assert.equal(this.sources[0]!.triggers.at(-1)?.checkpoint, id);
    for (const index of this.partitions.keys()) {
      const listed = names(index);
      const fresh = listed.filter((name) => !this.bucket.blobs.has(this.path(index, name)));
      const answer = await this.coordinator.acknowledge(this.withTables(index, id, listed, fresh));
      assert.equal(answer.kind, "accepted");
    }
    await this.context.idle();
    await this.advance(0);
    assert.equal(await this.latest(), id);
  }

  async latest(): Promise<number> {
    const { latest } = (await this.coordinator.checkpointStatistics()) as {
      latest: { completed: { id: number } | null };
    };
    return latest.completed?.id ?? 0;
  }

  #wake(): JobCoordinator {
    const coordinator = new JobCoordinator(this.#mortal, this.graph, this.sinks);
    this.context.onAlarm = () => survive(coordinator.alarm());
    return coordinator;
  }
}

/** What became of a call whose object crashed meanwhile: nothing. */
export async function survive(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

export function task(index: number): TaskId {
  return { vertex: "counts", index };
}

export function table(path: string): TableReference {
  return {
    id: path,
    path,
    offset: 0,
    size: 10,
    level: 0,
    run: 1,
    keyGroups: { first: 0, last: 127 },
    smallestKey: "00",
    largestKey: "ff",
    entries: 1,
    tombstones: 0,
    smallestSequence: 1,
    largestSequence: 1,
    formatVersion: 1,
    indexOffset: 0,
  };
}
