/**
 * A job of several keyed vertices in the simulated world: the product's own classes, the workload and
 * faults of a scenario, and an oracle that knows what each state of each vertex must be for given
 * words. Every retained checkpoint is restored when it completes and compared as a whole, so it is a
 * consistent cut across all vertices or the run fails.
 */
import type { JobGraph } from "../../../../dataflow/job-graph.ts";
import {
  keyedStatesOf,
  mergeOperatorsOf,
  type KeyedState,
} from "../../../../dataflow/keyed/keyed-states.ts";
import { scanByKey } from "../../../../dataflow/keyed/state-reader.ts";
import { JobCoordinator } from "../../../../durable-objects/coordinator/coordinator.ts";
import type { ObjectContext } from "../../../../durable-objects/object-context.ts";
import { PartitionTask } from "../../../../durable-objects/partition/partition.ts";
import { SourceTask } from "../../../../durable-objects/source/source.ts";
import type { BlobStore } from "../../../../state-engine/blob-store/blob-store.ts";
import { StateEngine, type PartitionTables } from "../../../../state-engine/index.ts";
import type { EngineOptions } from "../../../../state-engine/options.ts";
import { resolveChain } from "../../../../state-engine/manifest/resolve-chain.ts";
import { FedInput } from "../../../simulation/fed-input.ts";
import { patched } from "../../../simulation/mutants/mutant.ts";
import { countWords, wordProducer } from "../../../simulation/jobs/word-count.ts";
import { LogOracle } from "../../../simulation/oracles/log-oracle.ts";
import type { Scenario } from "../../../simulation/scenario.ts";
import { Workload } from "../../../simulation/workload.ts";
import {
  isFaultOfTheWorld,
  World,
  type ObjectName,
  type WorldOptions,
} from "../../../simulation/world.ts";
import { createNodeEnvironment } from "../../../support/node-environment.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

export type Counts = ReadonlyMap<string, number>;

/** Values as JSON texts, by state and key. */
export type States = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface RegionJob {
  readonly graph: JobGraph;
  /** What every state must be once these words have gone through, however they were batched. */
  readonly expected: (words: Counts) => States;
}

export interface RegionResult {
  /** Undefined when every promise was kept. */
  readonly failure: string | undefined;
  readonly checkpointsChecked: number;
  /** Checkpoints that hold frames in flight: they are restored by the job itself, not by the oracle. */
  readonly checkpointsInFlight: number;
  /** Of those whose statistics are kept. */
  readonly completed: number;
  readonly failed: number;
  readonly generation: number;
  readonly world: World;
}

/** A row of the coordinator, as far as it matters here. */
interface Retained {
  readonly id: number;
  readonly path: string;
  readonly sources: readonly { readonly source: number; readonly offset: number }[];
}

const EVENTS = 200_000;
const WORK_MS = 24 * 3_600_000;
const SILENCE_MS = 24 * 3_600_000;

export interface RegionOptions extends Pick<WorldOptions, "crashAt"> {
  readonly during?: (world: World) => void;
  /** How long the first partition of every vertex takes for each frame. */
  readonly slowMs?: number;
}

export async function runRegion(
  job: RegionJob,
  scenario: Scenario,
  options: RegionOptions = {},
): Promise<RegionResult> {
  const world = new World({
    seed: scenario.seed,
    rates: scenario.rates,
    memoryBytes: scenario.memoryBytes,
    createLogic: (name, context) => createLogic(name, context, job.graph),
    uncompressed: !scenario.compressed,
    traced: false,
    ...(options.crashAt && { crashAt: options.crashAt }),
  });
  const restore = options.slowMs === undefined ? undefined : slowDown(world, options.slowMs);
  try {
    const run = new RegionRun(world, job, scenario, options.during);
    const failure = await world.watch(() => run.play());
    const { checked, generation, inFlight } = run;
    const completed = run.checkpointsThat("COMPLETED");
    const failed = run.checkpointsThat("FAILED");
    world.close();
    const counts = { checkpointsChecked: checked, checkpointsInFlight: inFlight };
    return { failure, ...counts, completed, failed, generation, world };
  } finally {
    restore?.();
  }
}

/** Frames wait for room that long in every engine that owns the first key group; answers how to end that. */
function slowDown(world: World, slowMs: number): () => void {
  return patched(StateEngine, "open", ({ value }) => ({
    value: (options: EngineOptions): StateEngine => {
      const engine = (value as typeof StateEngine.open).call(StateEngine, options);
      if (options.keyGroups.first !== 0) return engine;
      const admit = engine.admit.bind(engine);
      engine.admit = async (bytes) => {
        await new Promise<void>((resolve) => {
          world.scheduler.schedule(slowMs, "a slow partition has room", resolve);
        });
        await admit(bytes);
      };
      return engine;
    },
  }));
}

function createLogic(name: ObjectName, context: ObjectContext, graph: JobGraph): object {
  if (name.kind === "source") return new SourceTask(context, graph, name.index);
  if (name.kind === "partition") return new PartitionTask(context, graph, name.task);
  return new JobCoordinator(context, graph);
}

class RegionRun {
  readonly #world: World;
  readonly #job: RegionJob;
  readonly #log: LogOracle;
  readonly #workload: Workload;
  readonly #partitions: number;
  #retained = "";
  /** Offsets of the latest completed checkpoint, by source. */
  #covered: ReadonlyMap<number, number> = new Map();
  checked = 0;
  inFlight = 0;

  constructor(
    world: World,
    job: RegionJob,
    scenario: Scenario,
    during: ((world: World) => void) | undefined,
  ) {
    this.#world = world;
    this.#job = job;
    this.#log = new LogOracle(world, scenario.sources);
    const producer = (index: number, random: SeededRandom) => wordProducer(scenario, index, random);
    this.#workload = new Workload(
      world,
      { ...scenario, job: "wordCount", restarts: 0, input: "posted" },
      {
        graph: job.graph,
        producer,
        check: () => undefined,
        fed: new FedInput(scenario, 0, producer),
      },
    );
    this.#partitions = scenario.partitions;
    world.afterEvent = () => {
      this.#log.follow(this.#covered);
      during?.(world);
      return this.#followCheckpoints();
    };
  }

  get generation(): number {
    const { storage } = this.#world.object({ kind: "coordinator" });
    const [row] = storage.exec<{ record: string }>("SELECT record FROM job");
    return (JSON.parse(row!.record) as { generation: number }).generation;
  }

  checkpointsThat(status: "COMPLETED" | "FAILED"): number {
    const { storage } = this.#world.object({ kind: "coordinator" });
    const query = "SELECT id FROM history WHERE status = ?";
    return storage.exec<{ id: number }>(query, status).length;
  }

  async play(): Promise<string | undefined> {
    return (
      (await this.#work()) ??
      (await this.#until("silence", () => false)) ??
      (await this.#ask("a last checkpoint", () => this.#workload.finalCheckpoint())) ??
      (await this.#ask("the live state", () => this.#checkLive())) ??
      (await this.#until("silence in the end", () => false)) ??
      this.#checkEnd()
    );
  }

  async #work(): Promise<string | undefined> {
    this.#workload.start();
    const done = (): boolean => this.#workload.isDone;
    await this.#world.run({ events: EVENTS, simulatedMs: WORK_MS, done });
    this.#world.faults.stop();
    return this.#until("the work to be done without faults", done);
  }

  /** Without `done`, until nothing is left that could happen. */
  async #until(what: string, done: () => boolean): Promise<string | undefined> {
    // Expired output is collected after a week: that is silence.
    const horizonMs = SILENCE_MS;
    const ended = await this.#world.run({ events: EVENTS, simulatedMs: WORK_MS, horizonMs, done });
    if (this.#world.violations.first !== undefined) return this.#world.violations.first;
    if (ended === "done" || (ended === "empty" && what.startsWith("silence"))) return undefined;
    const waiting = this.#world.scheduler.waiting(10).join("\n");
    const living = this.#world.objects
      .flatMap(({ instance }) => (instance === undefined ? [] : [instance]))
      .map((instance) => `${instance.name}: ${instance.describeWork()}`);
    return `Waiting for ${what} ended with ${ended}.\n${living.join("\n")}\n${waiting}`;
  }

  async #ask(what: string, question: () => Promise<void>): Promise<string | undefined> {
    let answered = false;
    const asked = question().then(() => void (answered = true));
    const failure = await this.#until(what, () => answered);
    if (failure === undefined) await asked;
    return failure;
  }

  #checkEnd(): string | undefined {
    this.#log.expectExactly(this.#workload.sent);
    return this.#world.violations.first;
  }

  async #checkLive(): Promise<void> {
    const live = new Map<string, Map<string, string>>();
    for (const vertex of this.#job.graph.vertices) {
      for (const { name } of keyedStatesOf(vertex)) {
        const entries = new Map<string, string>();
        for (let index = 0; index < this.#partitions; index++) {
          const found = await this.#scan({ vertex: vertex.uid, index }, name);
          for (const { key, value } of found) entries.set(key, value);
        }
        live.set(name, entries);
      }
    }
    const expected = this.#job.expected(countWords(this.#log.linesSince(new Map())));
    this.#compare("The live state", live, expected);
  }

  async #scan(
    task: { readonly vertex: string; readonly index: number },
    state: string,
  ): Promise<readonly { readonly key: string; readonly value: string }[]> {
    for (;;) {
      try {
        const answer = await this.#world
          .outside("live reader")
          .partition(task)
          .scanState({ state, prefix: "", limit: 10_000, order: "key" });
        if (answer.kind === "page") {
          return answer.entries.map(({ key, value }) => ({ key, value: value! }));
        }
      } catch (error) {
        if (!isFaultOfTheWorld(error)) throw error;
      }
      await new Promise<void>((resolve) => {
        this.#world.scheduler.schedule(500, "the live reader asks again", resolve);
      });
    }
  }

  #followCheckpoints(): Promise<void> | undefined {
    const { storage } = this.#world.object({ kind: "coordinator" });
    if (!storage.hasTable("retained")) return undefined;
    const rows = storage.exec<{ data: string }>("SELECT data FROM retained ORDER BY completion");
    const text = rows.map(({ data }) => data).join("\n");
    if (text === this.#retained) return undefined;
    this.#retained = text;
    const retained = rows.map(({ data }) => JSON.parse(data) as Retained);
    const latest = retained.at(-1)?.sources ?? [];
    this.#covered = new Map(latest.map(({ source, offset }) => [source, offset]));
    return this.#checkAll(retained);
  }

  async #checkAll(retained: readonly Retained[]): Promise<void> {
    const environment = this.#environment();
    for (const { id, path } of retained) {
      const { manifest, partitions } = await resolveChain(this.#bucket(), path, environment);
      const offsets = new Map(manifest.sources.map(({ source, offset }) => [source, offset]));
      if (partitions.some(({ inFlight }) => inFlight !== undefined)) {
        this.inFlight++;
        continue;
      }
      const found = new Map<string, Map<string, string>>();
      for (const partition of partitions) await this.#restore(partition, found);
      const expected = this.#job.expected(countWords(this.#log.linesBetween(new Map(), offsets)));
      this.#compare(`Checkpoint ${id}`, found, expected);
      this.checked++;
    }
  }

  async #restore(
    partition: PartitionTables,
    into: Map<string, Map<string, string>>,
  ): Promise<void> {
    const vertex = this.#job.graph.vertices.find(({ uid }) => uid === partition.vertex)!;
    const engine = StateEngine.open({
      environment: this.#environment(),
      blobStore: this.#bucket(),
      keyGroups: partition.keyGroups,
      tables: partition.tables,
      sequence: partition.sequence,
      mergeOperators: mergeOperatorsOf(vertex),
      uploads: { nextPath: () => "oracle", note: refuse },
    });
    for (const state of keyedStatesOf(vertex)) {
      const entries = into.get(state.name) ?? new Map<string, string>();
      into.set(state.name, entries);
      await readAll(engine, state, partition, entries);
    }
    engine.close();
  }

  #compare(what: string, found: States, expected: States): void {
    for (const [state, entries] of expected) {
      const have = [...(found.get(state) ?? [])].map(([key, value]) => `${key}=${value}`);
      const want = [...entries].map(([key, value]) => `${key}=${value}`);
      const missing = want.filter((entry) => !have.includes(entry));
      const wrong = have.filter((entry) => !want.includes(entry));
      if (missing.length + wrong.length === 0) continue;
      this.#world.violations.add(
        `${what} is wrong in "${state}": lacks ${missing.slice(0, 5).join(", ")}; has ${wrong.slice(0, 5).join(", ")}.`,
      );
    }
  }

  #environment(): ReturnType<typeof createNodeEnvironment> {
    const now = (): number => this.#world.scheduler.now();
    return createNodeEnvironment({ now, random: new SeededRandom(0) });
  }

  /** As it is at this instant, without faults. */
  #bucket(): BlobStore {
    const { bucket } = this.#world;
    return {
      get: (path) => Promise.resolve(bucket.read(path)),
      getRange: (path, offset, length) =>
        Promise.resolve(bucket.read(path)?.slice(offset, offset + length)),
      put: refuse,
      list: refuse,
      delete: refuse,
    };
  }
}

async function readAll(
  engine: StateEngine,
  state: KeyedState,
  { keyGroups }: Pick<PartitionTables, "keyGroups">,
  into: Map<string, string>,
): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await scanByKey(engine, {
      state,
      time: { processing: -Infinity, event: -Infinity },
      keyGroups,
      prefix: "",
      limit: 1_000,
      ...(cursor !== undefined && { cursor }),
    });
    for (const { key, value } of page.entries) into.set(key, value!);
    cursor = page.next;
  } while (cursor !== undefined);
}

function refuse(): never {
  throw new Error("An oracle changes nothing.");
}
