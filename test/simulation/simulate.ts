/**
 * Runs one scenario: builds the world around the real logic, lets the workload and the faults loose,
 * then stops the faults, waits for silence and asks the oracles. Answers what went wrong, if anything.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import { JobCoordinator } from "../../durable-objects/coordinator/coordinator.ts";
import type { ObjectContext } from "../../durable-objects/object-context.ts";
import { PartitionTask } from "../../durable-objects/partition/partition.ts";
import { SourceTask } from "../../durable-objects/source/source.ts";
import { type Mutant, mutate } from "./mutants/mutant.ts";
import { CheckpointOracle } from "./oracles/checkpoint-oracle.ts";
import { differenceOf, LogOracle } from "./oracles/log-oracle.ts";
import { type Scenario, simulatedJob } from "./scenario.ts";
import { type ObjectName, World, type WorldOptions } from "./world.ts";
import { Workload } from "./workload.ts";

const MAXIMUM_EVENTS = 100_000;
/** Falling silent takes a few hundred. */
const MAXIMUM_SILENCE_EVENTS = 20_000;
const MAXIMUM_WORK_MS = 3_600_000;
const MAXIMUM_SILENCE_MS = 24 * 3_600_000;

export interface Result {
  readonly scenario: Scenario;
  /** What was broken, in words; undefined when every promise was kept. */
  readonly failure?: string;
  /** Equal for equal runs, if they were traced. */
  readonly checksum: string;
  readonly events: number;
  readonly checkpointsChecked: number;
  /** Frames in flight, over all checkpoints checked. */
  readonly framesInFlight: number;
  /** Objects with tables that were written; state that fits the manifest needs none. */
  readonly tablesUploaded: number;
  /** Every entry of the live state in the end, as "key value"; undefined when it came to no end. */
  readonly finalState: readonly string[] | undefined;
  readonly crashPoints: ReadonlyMap<string, number>;
  /** The last lines of the trace; empty for a run that was not traced. */
  readonly trace: readonly string[];
}

export interface SimulateOptions extends Pick<WorldOptions, "crashAt"> {
  readonly mutant?: Mutant;
  /** Keeps a full trace, and with it a checksum. Default: false. */
  readonly traced?: boolean;
}

export async function simulate(scenario: Scenario, options: SimulateOptions = {}): Promise<Result> {
  const restore = options.mutant?.patch?.();
  try {
    return await simulateWith(scenario, options);
  } finally {
    restore?.();
  }
}

async function simulateWith(scenario: Scenario, options: SimulateOptions): Promise<Result> {
  const graph = simulatedJob(scenario);
  const { mutant } = options;
  const world = new World({
    seed: scenario.seed,
    rates: scenario.rates,
    memoryBytes: scenario.memoryBytes,
    uncompressed: !scenario.compressed,
    traced: false,
    createLogic: (name, context) => {
      const build = (seen: ObjectContext): object => createLogic(name, seen, graph);
      return mutant === undefined ? build(context) : mutate(mutant, name, context, build);
    },
    ...options,
  });
  const run = new Run(world, scenario);
  const failure = await world.watch(() => run.play());
  const { trace } = world.scheduler;
  world.close();
  return {
    scenario,
    ...(failure !== undefined && { failure }),
    checksum: trace.checksum,
    events: trace.count,
    checkpointsChecked: run.checkpoints.checked,
    framesInFlight: run.checkpoints.framesInFlight,
    tablesUploaded: run.checkpoints.tablesUploaded,
    finalState: run.finalState,
    crashPoints: world.crashPoints,
    trace: trace.last(4_000),
  };
}

/** The product's own classes. */
function createLogic(name: ObjectName, context: ObjectContext, graph: JobGraph): object {
  if (name.kind === "source") return new SourceTask(context, graph, name.index);
  if (name.kind === "partition") return new PartitionTask(context, graph, name.task);
  return new JobCoordinator(context, graph);
}

class Run {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #workload: Workload;
  readonly #log: LogOracle;
  readonly checkpoints: CheckpointOracle;
  finalState: readonly string[] | undefined;

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
    this.#log = new LogOracle(world, scenario.sources);
    this.checkpoints = new CheckpointOracle(world, this.#log);
    this.#workload = new Workload(world, scenario);
    world.afterEvent = () => {
      this.#log.follow(this.checkpoints.neededFrom);
      return this.checkpoints.follow();
    };
  }

  async play(): Promise<string | undefined> {
    return (
      (await this.#work()) ??
      (await this.#settle()) ??
      (await this.#silence()) ??
      this.#checkWithoutAsking() ??
      (await this.#ask("a last checkpoint", () => this.#workload.finalCheckpoint())) ??
      (await this.#ask("the live state to be readable", () => this.#checkLiveState())) ??
      (await this.#silence()) ??
      (await this.#checkTheEnd())
    );
  }

  async #work(): Promise<string | undefined> {
    this.#workload.start();
    const ended = await this.#world.run({
      events: MAXIMUM_EVENTS,
      simulatedMs: MAXIMUM_WORK_MS,
      done: () => this.#workload.isDone,
    });
    this.#world.faults.stop();
    if (ended === "done" || ended === "limit") return undefined;
    return this.#explain(ended, "the work to be done");
  }

  /** Without faults: the work that is left. */
  async #settle(): Promise<string | undefined> {
    const ended = await this.#world.run({
      events: MAXIMUM_EVENTS,
      simulatedMs: MAXIMUM_WORK_MS,
      done: () => this.#workload.isDone,
    });
    return ended === "done"
      ? undefined
      : this.#explain(ended, "the work to be done without faults");
  }

  async #ask(what: string, question: () => Promise<void>): Promise<string | undefined> {
    let answered = false;
    const asked = question().then(() => void (answered = true));
    const ended = await this.#world.run({
      events: MAXIMUM_EVENTS,
      simulatedMs: MAXIMUM_WORK_MS,
      done: () => answered,
    });
    if (ended !== "done") return this.#explain(ended, what);
    await asked;
    return undefined;
  }

  async #checkLiveState(): Promise<void> {
    const live = await this.#workload.readEverything();
    this.finalState = [...live].map(([key, value]) => `${key} ${value}`).toSorted();
    const difference = differenceOf(live, this.#log.countEverything());
    if (difference !== undefined) {
      this.#world.violations.add(`The live state is wrong in the end: ${difference}.`);
    }
  }

  /** An idle job makes no request at all: in the end no event is left. */
  async #silence(): Promise<string | undefined> {
    const ended = await this.#world.run({
      events: MAXIMUM_SILENCE_EVENTS,
      simulatedMs: MAXIMUM_SILENCE_MS,
    });
    return ended === "empty" ? undefined : this.#explain(ended, "silence");
  }

  /** With an interval, input that fell silent is covered without anybody asking [24, 26, 27]. */
  #checkWithoutAsking(): string | undefined {
    if (this.#scenario.intervalMs > 0) this.#expectCovered();
    return this.#world.violations.first;
  }

  #expectCovered(): void {
    for (const [source, lines] of this.#log.lineCounts.entries()) {
      const offset = this.checkpoints.latestOffsets.get(source) ?? 0;
      if (offset === lines) continue;
      this.#world.violations.add(
        `Source ${source} has ${lines} lines and all is silent, but the last checkpoint covers ${offset}.`,
      );
    }
  }

  async #checkTheEnd(): Promise<string | undefined> {
    const { violations } = this.#world;
    this.#log.expectExactly(this.#workload.sent);
    await this.checkpoints.checkRetained();
    this.#expectCovered();
    if (this.checkpoints.retainedIds.length > this.#scenario.retained) {
      violations.add(
        `Checkpoints ${this.checkpoints.retainedIds.join(", ")} are retained: too many.`,
      );
    }
    this.checkpoints.expectCleanBucket();
    return violations.first;
  }

  #explain(ended: "done" | "empty" | "limit" | "violation", awaited: string): string {
    if (this.#world.violations.first !== undefined) return this.#world.violations.first;
    const living = this.#world.objects
      .flatMap(({ instance }) => (instance === undefined ? [] : [instance]))
      .map((instance) => `${instance.name}: ${instance.describeWork()}`);
    const waiting = this.#world.scheduler.waiting(10);
    return [
      `Waiting for ${awaited} ended with ${ended === "empty" ? "nothing left that could happen" : ended}.`,
      ...living,
      ...waiting.map((label) => `waiting: ${label}`),
    ].join("\n");
  }
}
