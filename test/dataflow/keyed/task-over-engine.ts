/**
 * A keyed operator of a job over a state engine that can be opened anew at what it has persisted, with nothing
 * resident. Counts how often it has to wait for state, and the requests that takes.
 */
import type { BuiltStream } from "../../../dataflow/job.ts";
import type { KeyedVertex } from "../../../dataflow/job-graph.ts";
import { structuredCodec } from "../../../dataflow/codecs/structured-codec.ts";
import { mergeOperatorsOf } from "../../../dataflow/keyed/keyed-states.ts";
import { OperatorTask } from "../../../dataflow/keyed/operator-task.ts";
import { RecordFrameWriter } from "../../../dataflow/record-frame.ts";
import { hash32 } from "../../../state-engine/bytes/hash.ts";
import type { Environment } from "../../../state-engine/environment.ts";
import {
  MemoryBlobStore,
  StateEngine,
  type EngineTuning,
  type PersistedState,
} from "../../../state-engine/index.ts";
import { testEnvironment } from "../../state-engine/engine-fixture.ts";

const KEY_GROUPS = 16;
const CHANNEL = "s0";

export interface TaskRecord {
  readonly key: string;
  readonly value: unknown;
  readonly timestamp?: number;
  /** -Infinity while unknown. */
  readonly watermark?: number;
  readonly arrivalTime?: number;
}

export interface TaskOverEngineOptions {
  readonly memoryBytes?: number;
  readonly tuning?: Partial<EngineTuning>;
  /** Each request for bytes waits for this. */
  readonly delay?: () => Promise<void>;
}

/** Counts what it is asked for bytes. */
class CountingBlobStore extends MemoryBlobStore {
  readonly #delay: (() => Promise<void>) | undefined;
  gets = 0;

  constructor(environment: Environment, delay: (() => Promise<void>) | undefined) {
    super(environment);
    this.#delay = delay;
  }

  override async getRange(
    path: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    this.gets += 1;
    await this.#delay?.();
    return super.getRange(path, offset, length);
  }
}

export class TaskOverEngine {
  readonly values: unknown[] = [];
  readonly #vertex: KeyedVertex;
  readonly #environment: Environment;
  readonly #tuning: Partial<EngineTuning>;
  readonly #blobs: CountingBlobStore;
  #paths = 0;
  #waits = 0;
  #getsBefore = 0;
  #line = 0;
  #engine: StateEngine;
  #task: OperatorTask;

  constructor(stream: BuiltStream, options: TaskOverEngineOptions = {}) {
    this.#vertex = stream.graph.vertices[0]!;
    this.#environment = testEnvironment(options.memoryBytes);
    this.#tuning = options.tuning ?? {};
    this.#blobs = new CountingBlobStore(this.#environment, options.delay);
    this.#engine = this.#openEngine({ tables: [], sequence: 0 });
    this.#task = this.#openTask(-Infinity, -Infinity);
  }

  get engine(): StateEngine {
    return this.#engine;
  }

  get task(): OperatorTask {
    return this.#task;
  }

  /** Rounds of fetching, and requests, since the last reopen(). */
  get waits(): number {
    return this.#waits;
  }

  get gets(): number {
    return this.#blobs.gets - this.#getsBefore;
  }

  /** One frame with all of these; then event time reaches `watermark`. */
  async apply(records: readonly TaskRecord[], watermark = -Infinity): Promise<number> {
    return this.#task.apply(CHANNEL, { bytes: this.frame(records), watermark });
  }

  frame(records: readonly TaskRecord[]): Uint8Array {
    const writer = new RecordFrameWriter();
    for (const { key, value, timestamp, watermark = -Infinity, arrivalTime = 1 } of records) {
      const bytes = new TextEncoder().encode(key);
      writer.add({
        input: 0,
        isBroadcast: false,
        hash: hash32(bytes),
        key: bytes,
        keyLength: bytes.length,
        value: structuredCodec().encode(value),
        timestamp,
        watermark,
        arrivalTime,
        line: this.#line++,
      });
    }
    return writer.finish();
  }

  async maintain(): Promise<void> {
    while (await this.#engine.maintain());
  }

  async reopen(): Promise<void> {
    await this.maintain();
    const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
    const persisted = await this.#engine.persist(this.#engine.freeze(), options);
    const { watermark, time } = this.#task;
    this.#task.close();
    this.#engine.close();
    this.#engine = this.#openEngine(persisted);
    this.#task = this.#openTask(watermark, time);
    this.#waits = 0;
    this.#getsBefore = this.#blobs.gets;
  }

  #openEngine({ tables, sequence }: Pick<PersistedState, "tables" | "sequence">): StateEngine {
    const engine = StateEngine.open({
      environment: this.#environment,
      blobStore: this.#blobs,
      keyGroups: { first: 0, last: KEY_GROUPS - 1 },
      tables,
      sequence,
      mergeOperators: mergeOperatorsOf(this.#vertex),
      uploads: { nextPath: () => `t/${this.#paths++}`, note: () => undefined },
      tuning: this.#tuning,
    });
    const fetch = engine.fetch.bind(engine);
    engine.fetch = (reads) => {
      this.#waits += 1;
      return fetch(reads);
    };
    return engine;
  }

  #openTask(watermark: number, time: number): OperatorTask {
    const { operator } = this.#vertex;
    if (operator.kind === "count") throw new Error("A plain count reads no state.");
    return new OperatorTask({
      vertex: this.#vertex,
      definition: operator.definition,
      engine: this.#engine,
      keyGroups: { first: 0, last: KEY_GROUPS - 1 },
      maxParallelism: KEY_GROUPS,
      emitter: {
        append: (_name, record) => this.values.push(record),
        upsert: (_name, key, value) => this.values.push([key, value]),
        forward: () => undefined,
      },
      restored: { time, watermark, channels: [[CHANNEL, { watermark, isIdle: false }]] },
      channelsOfLines: new Set([CHANNEL]),
      startRequest: () => undefined,
      deadLetters: undefined,
    });
  }
}
