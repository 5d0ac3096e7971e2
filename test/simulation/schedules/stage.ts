/**
 * Where a schedule of docs/protocol.md is played: a job of the product's own classes in a simulated
 * world without dice. What is told to happen happens, everything else goes its ordinary way.
 *
 *     await stage.post(S0, "a", "b");
 *     const held = stage.hold({ from: P0, to: C, call: "acknowledge" });
 *     await stage.trigger();
 *     await stage.until("P0 acknowledges", () => held.count > 0);
 *     stage.loseMemory(P0);
 *
 * A condition that does not come true within the time a schedule has throws, saying what was awaited.
 */
import type { BuiltStream } from "../../../dataflow/job.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { JobCoordinator } from "../../../durable-objects/coordinator/coordinator.ts";
import type { JobRecord } from "../../../durable-objects/coordinator/job-record.ts";
import type { RetainedCheckpoint } from "../../../durable-objects/coordinator/rows.ts";
import type { OutputRequest, OutputSegment } from "../../../durable-objects/coordinator-queries.ts";
import type { AppendAnswer, AppendRequest, TaskId } from "../../../durable-objects/messages.ts";
import type { ObjectContext, Peers } from "../../../durable-objects/object-context.ts";
import { PartitionTask } from "../../../durable-objects/partition/partition.ts";
import { createSinks } from "../../../durable-objects/sinks/create-sinks.ts";
import { SourceTask } from "../../../durable-objects/source/source.ts";
import { ScriptedWorld } from "../../durable-objects/sinks/scripted-world.ts";
import { drainMicrotasks } from "../../support/manual-clock.ts";
import { NO_FAULTS } from "../faults.ts";
import { type Breakage, mutate } from "../mutants/mutant.ts";
import { isFaultOfTheWorld, type ObjectName, World } from "../world.ts";
import {
  readCheckpointState,
  readCheckpointTables,
  type States,
  textOf,
} from "./checkpoint-state.ts";
import { C, type PartitionName, type SourceName } from "./cast.ts";
import { NotingSink } from "./noting-sink.ts";
import { Script, type Hold, type StepFilter } from "./script.ts";

export interface StageOptions {
  /** The job, or what it is in each code version: "version-1", "version-2". */
  readonly job: BuiltStream | ((codeVersion: string) => BuiltStream);
  /** Rules taken out. */
  readonly without?: readonly Breakage[];
  /** What is so with these rules and without. */
  readonly conditions?: readonly Breakage[];
  /** The job also has a sink outside. */
  readonly hasSink?: boolean;
  /** What the bucket holds before the job exists. */
  readonly bucket?: ReadonlyMap<string, Uint8Array>;
  readonly seed?: number;
  readonly memoryBytes?: number;
}

export interface CommittedLine {
  readonly checkpoint: number;
  readonly output: string;
  readonly key?: unknown;
  readonly value: unknown;
}

const MAXIMUM_EVENTS = 30_000;
const PATIENCE_MS = 60_000;

export class Stage {
  readonly world: World;
  readonly script = new Script();
  readonly sink: NotingSink;
  /** Where the job's own sinks deliver to. */
  readonly elsewhere = new ScriptedWorld();
  readonly options: StageOptions;
  readonly #sequences = new Map<number, number>();
  readonly #undo: readonly (() => void)[];

  constructor(options: StageOptions) {
    this.options = options;
    this.#undo = this.#changes.flatMap(({ patch }) => (patch ? [patch()] : []));
    this.world = new World({
      seed: options.seed ?? 1,
      rates: NO_FAULTS,
      memoryBytes: options.memoryBytes ?? 80 * 1024 * 1024,
      createLogic: (name, context) => this.#createLogic(name, context),
      director: this.script,
    });
    this.sink = new NotingSink(this.world.scheduler);
    for (const [path, bytes] of options.bucket ?? []) this.world.bucket.place(path, bytes);
  }

  get #changes(): readonly Breakage[] {
    const { conditions = [], without = [] } = this.options;
    return [...conditions, ...without];
  }

  close(): void {
    this.world.close();
    for (const undo of this.#undo.toReversed()) undo();
  }

  // ------------------------------------------------------------ what is made to happen

  hold(filter: StepFilter): Hold {
    return this.script.hold(filter);
  }

  loseMemory(...objects: readonly ObjectName[]): void {
    for (const object of objects) this.world.object(object).loseMemory("as the schedule says");
  }

  /** Somebody asks for a state there is not, so that the partition attaches and reads nothing. */
  async wake({ task }: PartitionName): Promise<void> {
    const request = { state: "none", prefix: "", limit: 1, order: "key" } as const;
    // Whether the read is answered is nobody's concern.
    void this.outside
      .partition(task)
      .scanState(request)
      .catch(() => undefined);
    await this.settle();
  }

  crashAt(object: ObjectName, point: string): void {
    this.script.crashAt(object, point);
  }

  becomeZombie(object: ObjectName): void {
    this.world.object(object).becomeZombie(PATIENCE_MS);
  }

  /** The object runs a newer code version from now on. */
  deployTo(object: ObjectName, deploy: number): void {
    this.world.deployTo(this.world.object(object), deploy);
  }

  /** A task reports a failure: the job goes back to the latest completed checkpoint. */
  async failTask(): Promise<void> {
    const { generation } = this.record;
    const error = { name: "Error", message: "The schedule wants it so." };
    await this.ask(() => this.coordinator.fail({ task: { source: 0 }, generation, error }));
  }

  /** Lines of one request of a producer of the source's own; returns when they are durable. */
  async post({ index }: SourceName, ...lines: readonly string[]): Promise<void> {
    const sequence = this.#sequences.get(index) ?? 0;
    this.#sequences.set(index, sequence + 1);
    const segment = { lines, last: true, producer: { id: `producer-${index}`, sequence } };
    const answer = await this.ask(() => this.append(index, segment));
    if (answer.kind !== "appended") throw new Error(`The lines were ${answer.kind}.`);
  }

  /** One segment, sent once. */
  append(
    source: number,
    segment: Omit<AppendRequest, "lines" | "bytes" | "fromLine"> & {
      readonly lines: readonly string[];
      readonly fromLine?: number;
    },
  ): Promise<AppendAnswer> {
    const { lines, fromLine = 0 } = segment;
    const bytes = new TextEncoder().encode(lines.join("\n"));
    return this.outside.source(source).append({ ...segment, fromLine, lines: lines.length, bytes });
  }

  /** Has the coordinator begin a checkpoint, as a log half full does; answers its number. */
  async trigger(): Promise<number> {
    const before = this.record.nextCheckpoint;
    await this.ask(async () => {
      const report = await this.outside.source(0).awaitProcessed({ line: 0, timeoutMs: 0 });
      await this.outside.coordinator().sourceChanged({ report, reason: "halfFull" });
    });
    await this.until("a checkpoint is triggered", () => this.record.nextCheckpoint > before);
    return this.record.nextCheckpoint - 1;
  }

  /** A checkpoint from its trigger to its completion. */
  async checkpoint(): Promise<number> {
    const checkpoint = await this.trigger();
    await this.completion(checkpoint);
    return checkpoint;
  }

  /** This checkpoint or a later one completes. */
  async completion(checkpoint: number): Promise<void> {
    const isCompleted = (): boolean => this.record.completed >= checkpoint;
    await this.until(`checkpoint ${checkpoint} completes`, isCompleted);
  }

  /** What becomes of a checkpoint that was triggered. */
  async decision(checkpoint: number): Promise<"completed" | "given up"> {
    await this.until(
      `checkpoint ${checkpoint} is decided`,
      () => this.record.pending?.id !== checkpoint,
    );
    return this.retained.some(({ id }) => id === checkpoint) ? "completed" : "given up";
  }

  async pass(milliseconds: number): Promise<void> {
    let isOver = false;
    this.world.scheduler.schedule(milliseconds, "time passes", () => (isOver = true));
    await this.until(`${milliseconds} ms pass`, () => isOver, milliseconds + 1);
  }

  /** What is under way and not held arrives. */
  async settle(): Promise<void> {
    await this.pass(300);
  }

  async until(what: string, isSo: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    // What the step before set free comes before the next event.
    await drainMicrotasks();
    const limits = { events: MAXIMUM_EVENTS, simulatedMs: patienceMs, done: isSo };
    const ended = await this.world.run(limits);
    if (ended === "done" || isSo()) return;
    throw new Error(this.world.violations.first ?? `It never came to this: ${what}.`);
  }

  // ------------------------------------------------------------ what is asked

  /** Calls from outside, over connections that can be held like any. */
  get outside(): Peers {
    return this.world.outside("outside");
  }

  get coordinator(): JobCoordinator {
    return this.outside.coordinator() as unknown as JobCoordinator;
  }

  /** The coordinator's row at this instant. */
  get record(): JobRecord {
    const { storage } = this.world.object(C);
    if (!storage.hasTable("job")) void this.world.object(C).deliver("status", undefined);
    const [row] = storage.exec<{ record: string }>("SELECT record FROM job");
    return JSON.parse(row!.record) as JobRecord;
  }

  get retained(): readonly RetainedCheckpoint[] {
    return this.rows<{ data: string }>(C, "SELECT data FROM retained ORDER BY completion").map(
      ({ data }) => JSON.parse(data) as RetainedCheckpoint,
    );
  }

  /** Offsets of a retained checkpoint, by source. */
  offsets(checkpoint: number): readonly number[] {
    const found = this.retained.find(({ id }) => id === checkpoint);
    return found?.sources.map(({ offset }) => offset) ?? [];
  }

  rows<Row extends Record<string, never> | object>(object: ObjectName, query: string): Row[] {
    return this.world.object(object).storage.exec(query) as unknown as Row[];
  }

  /** Whether the task's acknowledgement of the pending checkpoint is written. */
  hasAcknowledged({ task }: { readonly task: TaskId }, checkpoint: number): boolean {
    return this.rows<{ vertex: string; number: number; checkpoint: number }>(
      C,
      "SELECT vertex, number, checkpoint FROM acknowledgement",
    ).some(
      (row) =>
        row.vertex === task.vertex && row.number === task.index && row.checkpoint === checkpoint,
    );
  }

  /** What a retained checkpoint holds, from the bucket; without a number the latest completed one. */
  async stateAt(checkpoint = this.record.completed): Promise<States> {
    const found = this.retained.find(({ id }) => id === checkpoint);
    if (found === undefined) throw new Error(`Checkpoint ${checkpoint} is not retained.`);
    return readCheckpointState(this.world, this.graph, found.path);
  }

  /** What is in the bucket and no retained checkpoint, committed result or note of a partition names. */
  async strays(): Promise<readonly string[]> {
    const needed = new Set<string>();
    for (const { path, chain } of this.retained) {
      for (const manifest of [path, ...chain]) needed.add(manifest);
      const tables = await readCheckpointTables(this.world, path);
      for (const table of [...tables.values()].flat()) needed.add(table.path);
    }
    for (const { storage } of this.world.objects) {
      if (!storage.hasTable("upload")) continue;
      const noted = storage.exec<{ path: string }>("SELECT path FROM upload");
      for (const { path } of noted) needed.add(path);
    }
    return this.world.bucket.paths.filter((path) => !needed.has(path));
  }

  /** The live value of every key of one state, once all partitions have caught up. */
  async live(state: string): Promise<Readonly<Record<string, unknown>>> {
    const vertex = this.graph.vertices.find(({ uid }) => uid === state) ?? this.graph.vertices[0]!;
    const values: Record<string, unknown> = {};
    for (let index = 0; index < this.graph.options.parallelism; index++) {
      const partition = this.outside.partition({ vertex: vertex.uid, index });
      const page = await this.ask(async () => {
        const request = { state, prefix: "", limit: 10_000, order: "key" } as const;
        const answer = await partition.scanState(request);
        return answer.kind === "page" ? answer : "again";
      });
      for (const { key, value } of page.entries) values[textOf(key)] = JSON.parse(value!);
    }
    return values;
  }

  /** Everything committed, in order. */
  async output(): Promise<readonly CommittedLine[]> {
    const lines: CommittedLine[] = [];
    for (let from: OutputRequest["from"]; ;) {
      const request = from === undefined ? {} : { from };
      const answer = await this.ask(() => this.coordinator.readOutput(request));
      if (answer.kind !== "segments") throw new Error(`The output is ${answer.kind}.`);
      for (const segment of answer.segments) lines.push(...this.#linesOf(segment));
      const last = answer.segments.at(-1);
      if (answer.isEnd || last === undefined) return lines;
      from = { row: last.row, segment: last.segment + 1 };
    }
  }

  async values(): Promise<readonly unknown[]> {
    return (await this.output()).map(({ value }) => value);
  }

  /** Asks until there is an answer that is not "again". */
  async ask<Answer>(question: () => Promise<Answer | "again">): Promise<Answer> {
    let answered: { readonly value: Answer } | { readonly error: unknown } | undefined;
    const asking = async (): Promise<void> => {
      for (;;) {
        try {
          const value = await question();
          if (value !== "again") return void (answered = { value });
        } catch (error) {
          if (!isFaultOfTheWorld(error)) return void (answered = { error });
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        this.world.scheduler.schedule(200, "somebody outside asks again", resolve);
        await promise;
      }
    };
    void asking();
    await this.until("somebody outside is answered", () => answered !== undefined);
    if ("error" in answered!) throw answered.error;
    return answered!.value;
  }

  get graph(): JobGraph {
    return this.#jobOf("version-1");
  }

  #jobOf(codeVersion: string): JobGraph {
    const { job } = this.options;
    return (typeof job === "function" ? job(codeVersion) : job).graph;
  }

  #createLogic(name: ObjectName, context: ObjectContext): object {
    const graph = this.#jobOf(context.codeVersion);
    const product = (seen: ObjectContext): object => {
      if (name.kind === "source") return new SourceTask(seen, graph, name.index);
      if (name.kind === "partition") return new PartitionTask(seen, graph, name.task);
      const { blobStore, environment } = seen;
      const sinks = createSinks(graph, { world: this.elsewhere, blobStore, environment });
      if (this.options.hasSink === true) return new JobCoordinator(seen, graph, [this.sink]);
      return new JobCoordinator(seen, graph, sinks);
    };
    const build = this.#changes.reduce(
      (inner, breakage) => (seen: ObjectContext) => mutate(breakage, name, seen, inner),
      product,
    );
    return build(context);
  }

  #linesOf(segment: OutputSegment): readonly CommittedLine[] {
    if (segment.kind !== "results") return [];
    const { checkpoint, data } = segment;
    const bytes = "inline" in data ? data.inline : this.world.bucket.read(data.path);
    if (bytes === undefined) throw new Error("Committed output is not in the bucket.");
    return new TextDecoder()
      .decode(bytes)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ checkpoint, ...(JSON.parse(line) as Omit<CommittedLine, "checkpoint">) }));
  }
}
