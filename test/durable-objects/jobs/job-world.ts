/**
 * A job in a simulated world, driven from outside as the Worker drives it: lines go in, checkpoints
 * are asked for, committed output is read. The objects are the product's own; faults come from a seed.
 */
import zlib from "node:zlib";
import type { BuiltStream } from "../../../dataflow/job.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { JobCoordinator } from "../../../durable-objects/coordinator/coordinator.ts";
import { hash32 } from "../../../state-engine/bytes/hash.ts";
import { keyGroupOf, partitionOfKeyGroup } from "../../../dataflow/key-group.ts";
import type {
  JsonObject,
  OutputRequest,
  OutputSegment,
  StartRequest,
  StopAnswer,
  StopRequest,
} from "../../../durable-objects/coordinator-queries.ts";
import type {
  AppendAnswer,
  AppendMessagesAnswer,
  AppendMessagesRequest,
} from "../../../durable-objects/messages.ts";
import { PartitionTask } from "../../../durable-objects/partition/partition.ts";
import { SourceTask } from "../../../durable-objects/source/source.ts";
import { ScriptedInputs } from "../../support/scripted-inputs.ts";
import { NO_FAULTS, type FaultRates } from "../../simulation/faults.ts";
import {
  isFaultOfTheWorld,
  World,
  type ObjectName,
  type WorldOptions,
} from "../../simulation/world.ts";
import type { CoordinatorCalls } from "../../../durable-objects/messages.ts";
import type { ObjectContext } from "../../../durable-objects/object-context.ts";
import { decodeManifest, type Manifest } from "../../../state-engine/index.ts";

export interface JobWorldOptions extends Pick<WorldOptions, "crashAt"> {
  readonly seed?: number;
  readonly rates?: Partial<FaultRates>;
  readonly memoryBytes?: number;
  /** What the job's feeds read: asked through the world, with its delays and failures. */
  readonly inputs?: ScriptedInputs;
}

/** A committed line of output. */
export interface CommittedLine {
  readonly checkpoint: number;
  readonly output: string;
  readonly key?: unknown;
  readonly value: unknown;
}

/** Faults that a job must survive without any trace in its results. */
export const ORDINARY_FAULTS: Partial<FaultRates> = {
  lostCall: 0.03,
  lostAnswer: 0.03,
  repeatedCall: 0.02,
  slowCall: 0.03,
  crash: 0.01,
  crashAtPoint: 0.02,
  blobFailure: 0.05,
};

const MAXIMUM_EVENTS = 200_000;
const MAXIMUM_MS = 3_600_000;

export class JobWorld {
  graph: JobGraph;
  readonly world: World;
  readonly #sequences = new Map<number, number>();
  readonly #inputs: ScriptedInputs;

  constructor(stream: BuiltStream, options: JobWorldOptions = {}) {
    this.graph = stream.graph;
    this.#inputs = options.inputs ?? new ScriptedInputs();
    this.world = new World({
      seed: options.seed ?? 1,
      rates: { ...NO_FAULTS, ...options.rates },
      memoryBytes: options.memoryBytes ?? 80 * 1024 * 1024,
      ...(options.crashAt && { crashAt: options.crashAt }),
      createLogic: (name, context) => this.#createLogic(name, context),
    });
  }

  /** Adds lines to the log of one source, exactly once whatever gets lost. */
  async post(lines: readonly string[], source = 0): Promise<void> {
    const sequence = this.#sequences.get(source) ?? 0;
    this.#sequences.set(source, sequence + 1);
    await this.#insist(async () => {
      const answer = await this.world
        .outside("producer")
        .source(source)
        .append({
          producer: { id: `producer-${source}`, sequence },
          fromLine: 0,
          lines: lines.length,
          bytes: new TextEncoder().encode(lines.join("\n")),
          last: true,
        });
      return answer.kind === "appended" || answer.kind === "duplicate" ? true : undefined;
    });
  }

  /** Until a checkpoint covers everything posted. */
  async checkpoint(): Promise<void> {
    await this.#insist(async () => {
      const answer = await this.world
        .outside("asker")
        .coordinator()
        .requestCheckpoint({ waitMs: 60_000 });
      return answer.kind === "completed" ? true : undefined;
    });
  }

  /** The job as changed code: every object is restarted with it, and some seconds pass. */
  async redeploy(stream: BuiltStream): Promise<void> {
    this.graph = stream.graph;
    this.world.deploy();
    await this.pass(10_000);
  }

  /** Starts a stopped or failed job again; answers why it was refused, if it was. */
  async start(request: StartRequest): Promise<string | undefined> {
    const answer = await this.#insist(() =>
      this.world.outside("operator").coordinator().start(request),
    );
    return answer.kind === "refused" ? answer.reason : undefined;
  }

  /** Lets time pass, and what comes with it. */
  async pass(milliseconds: number): Promise<void> {
    await this.#perform(this.#sleep(milliseconds));
  }

  /** Every object loses its memory, as when the runtime ends. */
  loseMemory(): void {
    for (const object of this.world.objects) object.loseMemory("with all others");
  }

  /** Names of the objects whose alarm is set. */
  alarms(): readonly string[] {
    return this.world.objects
      .filter(({ alarm }) => alarm.get() !== undefined)
      .map(({ name }) => name);
  }

  /** No more faults from now on. */
  calm(): void {
    this.world.faults.stop();
  }

  /** Everything committed, in order. */
  async output(): Promise<readonly CommittedLine[]> {
    const lines: CommittedLine[] = [];
    for (let from: OutputRequest["from"]; ;) {
      const request = from === undefined ? {} : { from };
      const answer = await this.#insist(() =>
        this.world.outside("reader").coordinator().readOutput(request),
      );
      if (answer.kind !== "segments") throw new Error(`The output is ${answer.kind}.`);
      for (const segment of answer.segments) lines.push(...(await this.#linesOf(segment)));
      const last = answer.segments.at(-1);
      if (answer.isEnd || last === undefined) return lines;
      from = { row: last.row, segment: last.segment + 1 };
    }
  }

  /** The values committed to one output. */
  async values(output = "output"): Promise<readonly unknown[]> {
    return (await this.output()).filter((line) => line.output === output).map(({ value }) => value);
  }

  /** The manifest of the latest completed checkpoint. */
  async manifest(): Promise<Manifest> {
    const id = await this.#insist(() => this.#reader.latestCheckpoint());
    const found = await this.#insist(() => this.#reader.locateCheckpoint(id));
    if (found.kind !== "found") throw new Error(`Checkpoint ${id} is ${found.kind}.`);
    return decodeManifest(await this.#blob(found.path), { crc32: zlib.crc32 }, found.path);
  }

  /** The exceptions of the job, newest first. */
  async exceptions(): Promise<unknown> {
    return this.#insist(() => this.world.outside("reader").coordinator().exceptions());
  }

  /** `GET /jobs/{job}`. */
  async describe(): Promise<JsonObject> {
    return this.#insist(() => this.world.outside("reader").coordinator().describeJob());
  }

  async status(): Promise<unknown> {
    return (await this.describe())["status"];
  }

  /** What somebody outside asks until it is answered. */
  async asking<Answer>(
    ask: (outside: ReturnType<World["outside"]>) => Promise<Answer | undefined>,
  ): Promise<Answer> {
    return this.#insist(() => ask(this.world.outside("reader")));
  }

  /** The value of a key as JSON text; undefined when there is none. Only for one partition of each key. */
  async read(state: string, key: string): Promise<string | undefined> {
    const { maxParallelism, parallelism } = this.graph.options;
    const bytes = new TextEncoder().encode(key);
    const keyGroup = keyGroupOf(hash32(bytes), maxParallelism);
    const index = partitionOfKeyGroup(keyGroup, parallelism, maxParallelism);
    const answer = await this.#insist(async () => {
      const task = { vertex: state, index };
      const read = { state, keyGroup, key: bytes };
      const given = await this.world.outside("reader").partition(task).readState(read);
      return given.kind === "notReady" ? undefined : given;
    });
    return answer.kind === "found" ? answer.json : undefined;
  }

  async stop(request: StopRequest = { drain: false, savepoint: false }): Promise<StopAnswer> {
    return this.#insist(async () => {
      const answer = await this.world.outside("operator").coordinator().stop(request);
      return answer.kind === "stopped" ? answer : undefined;
    });
  }

  /** Until the job has this status. */
  async until(wanted: "FAILED" | "FINISHED"): Promise<void> {
    const reached = await this.#insist(async () => {
      const { status } = await this.world.outside("reader").coordinator().status();
      return status === "FINISHED" || status === "FAILED" ? status : undefined;
    });
    if (reached === wanted) return;
    throw new Error(`The job is ${reached}: ${JSON.stringify(await this.exceptions())}`);
  }

  /** One delivery to source 0. */
  async appendMessages(request: AppendMessagesRequest): Promise<AppendMessagesAnswer> {
    return this.#insist(() => this.world.outside("queue").source(0).appendMessages(request));
  }

  /** What a source answers to one line. */
  async append(line: string, source = 0): Promise<AppendAnswer> {
    const bytes = new TextEncoder().encode(line);
    const request = { fromLine: 0, lines: 1, bytes, last: true };
    return this.#insist(() => this.world.outside("producer").source(source).append(request));
  }

  close(): void {
    this.world.close();
  }

  get #reader(): CoordinatorCalls {
    return this.world.outside("reader").coordinator();
  }

  #createLogic(name: ObjectName, context: ObjectContext): object {
    if (name.kind === "source") {
      const inputs = this.#inputs.through((what, answer) => this.#ask(context, what, answer));
      return new SourceTask(context, this.graph, name.index, inputs);
    }
    if (name.kind === "partition") return new PartitionTask(context, this.graph, name.task);
    return new JobCoordinator(context, this.graph);
  }

  async #linesOf(segment: OutputSegment): Promise<readonly CommittedLine[]> {
    if (segment.kind !== "results") return [];
    const { checkpoint, data } = segment;
    const bytes = "inline" in data ? data.inline : await this.#blob(data.path);
    return new TextDecoder()
      .decode(bytes)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ checkpoint, ...(JSON.parse(line) as Omit<CommittedLine, "checkpoint">) }));
  }

  async #blob(path: string): Promise<Uint8Array> {
    const bytes = this.world.bucket.read(path);
    if (bytes === undefined) throw new Error(`Committed output ${path} is not in the bucket.`);
    return bytes;
  }

  async #insist<Answer>(ask: () => Promise<Answer | undefined>): Promise<Answer> {
    const insisting = async (): Promise<Answer> => {
      for (;;) {
        try {
          const answer = await ask();
          if (answer !== undefined) return answer;
        } catch (error) {
          if (!isFaultOfTheWorld(error)) throw error;
        }
        await this.#sleep(200);
      }
    };
    return this.#perform(insisting());
  }

  async #perform<Answer>(work: Promise<Answer>): Promise<Answer> {
    let isDone = false;
    const settled = work.finally(() => (isDone = true));
    settled.catch(() => undefined);
    const ended = await this.world.run({
      events: MAXIMUM_EVENTS,
      simulatedMs: MAXIMUM_MS,
      done: () => isDone,
    });
    if (isDone) return settled;
    const { violations, scheduler } = this.world;
    const cause = violations.first ?? scheduler.trace.last(60).join("\n");
    throw new Error(`The world ended with ${ended} before it was done: ${cause}`);
  }

  /** A call of a source to something outside the job: it takes its time, and may fail. */
  async #ask<Answer>(context: ObjectContext, what: string, answer: () => Answer): Promise<Answer> {
    const { faults } = this.world;
    const isLost = faults.happens("blobFailure");
    await new Promise<void>((resolve) => void context.setTimer(faults.blobLatency(), resolve));
    if (isLost) throw new Error(`${what} was not answered.`);
    return answer();
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.scheduler.schedule(milliseconds, "somebody outside goes on", resolve);
    });
  }
}
