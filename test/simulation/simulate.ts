/**
 * Runs one scenario: builds the world around the real logic, lets the workload and the faults loose,
 * then stops the faults, waits for silence and asks the oracles. Answers what went wrong, if anything.
 */
import { JobCoordinator } from "../../durable-objects/coordinator/coordinator.ts";
import type { OutputSegment } from "../../durable-objects/coordinator-queries.ts";
import type { ExternalSink } from "../../durable-objects/coordinator/commits.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { Inputs } from "../../durable-objects/inputs.ts";
import type { ObjectContext } from "../../durable-objects/object-context.ts";
import { PartitionTask } from "../../durable-objects/partition/partition.ts";
import { SourceTask } from "../../durable-objects/source/source.ts";
import { drainMicrotasks } from "../support/manual-clock.ts";
import { ScriptedInputs } from "../support/scripted-inputs.ts";
import { endsByItself } from "./fed-input.ts";
import { inputObjects } from "./input-objects.ts";
import { type Mutant, mutate } from "./mutants/mutant.ts";
import { CheckpointOracle } from "./oracles/checkpoint-oracle.ts";
import { LogOracle } from "./oracles/log-oracle.ts";
import type { OutputLine, States } from "./jobs/simulated-job.ts";
import { type FedJob, simulatedJob } from "./jobs/simulated-jobs.ts";
import { LONGEST_REMINDER_MS } from "./jobs/timers.ts";
import { outsideOf } from "./outside.ts";
import type { Scenario } from "./scenario.ts";
import { SimulatedSink } from "./simulated-sink.ts";
import { type ObjectName, World, type WorldOptions } from "./world.ts";
import { Workload } from "./workload.ts";

const MAXIMUM_EVENTS = 100_000;
/** A job that ends by itself may take for ever while something fails at every step. */
const MAXIMUM_EVENTS_TO_END = 4_000;
/** Falling silent takes a few hundred, but for a backlog ten times the memory, which is read block by block. */
const MAXIMUM_SILENCE_EVENTS = 600_000;
/** What a checkpoint held has mostly gone on by then, and no object has been idle for long enough to lose its memory. */
const SETTLED_MS = 8_000;
const MAXIMUM_WORK_MS = 7 * 24 * 3_600_000;
/** Expired output is collected after a week. Nothing else is put off for so long. */
const SILENCE_MS = 24 * 3_600_000;

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
  readonly linesCommitted: number;
  /** Deleted by the scan for orphans, if there was one. */
  readonly orphans: number;
  /** Milliseconds since the epoch, in simulated time. */
  readonly endsAt: number;
  /** Every entry of the live state in the end and what is in the output; undefined when it came to no end. */
  readonly finalResult: readonly string[] | undefined;
  /** The coordinator's, in the end. */
  readonly generation: number;
  readonly crashPoints: ReadonlyMap<string, number>;
  /** The last lines of the trace; empty for a run that was not traced. */
  readonly trace: readonly string[];
}

export interface SimulateOptions extends Pick<WorldOptions, "crashAt"> {
  /** Called after each event, before the oracles. */
  readonly during?: (world: World) => void;
  readonly mutant?: Mutant;
  /** In the end the bucket is searched for orphans, and nothing may be left that nobody needs. */
  readonly scansOrphans?: boolean;
  /** Keeps a full trace, and with it a checksum. Default: false. */
  readonly traced?: boolean;
  /** The part of the usual number of events after which what has not come is given up. Default: 1. */
  readonly patience?: number;
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
  const job = simulatedJob(scenario);
  const { mutant } = options;
  const inputs =
    scenario.input === "objects" ? inputObjects(job.fed, scenario.seed) : new ScriptedInputs();
  let sink: SimulatedSink | undefined;
  const world = new World({
    seed: scenario.seed,
    rates: scenario.rates,
    memoryBytes: scenario.memoryBytes,
    uncompressed: !scenario.compressed,
    traced: false,
    createLogic: (name, context) => {
      const sinks = sink === undefined ? [] : [sink.for(context)];
      const outside = outsideOf(world, context);
      // Functions ask as the lifetime in which they run.
      const { graph } =
        scenario.job === "enrichment" && name.kind === "partition"
          ? simulatedJob(scenario, outside)
          : job;
      const seenInputs = inputs.through((what, answer) => outside.ask(what, answer));
      const build = (seen: ObjectContext): object =>
        createLogic(name, { context: seen, graph, inputs: seenInputs, sinks });
      return mutant === undefined ? build(context) : mutate(mutant, name, context, build);
    },
    ...options,
  });
  if (scenario.hasSink) sink = new SimulatedSink(world);
  const { during, patience = 1, scansOrphans = false } = options;
  const run = new Run({ world, scenario, job, sink, during, scansOrphans, patience });
  const failure = await world.watch(() => run.play());
  const { trace } = world.scheduler;
  const generation = run.checkpoints.lineage.generation;
  world.close();
  return {
    scenario,
    ...(failure !== undefined && { failure }),
    checksum: trace.checksum,
    events: trace.count,
    checkpointsChecked: run.checkpoints.checked,
    framesInFlight: run.checkpoints.framesInFlight,
    tablesUploaded: run.checkpoints.tablesUploaded,
    orphans: run.orphans,
    endsAt: world.scheduler.now(),
    linesCommitted: run.checkpoints.output.linesCommitted,
    finalResult: run.finalResult,
    generation,
    crashPoints: world.crashPoints,
    trace: trace.last(4_000),
  };
}

/** The product's own classes. */
function createLogic(
  name: ObjectName,
  {
    context,
    graph,
    inputs,
    sinks,
  }: {
    readonly context: ObjectContext;
    readonly graph: JobGraph;
    readonly inputs: Inputs;
    readonly sinks: readonly ExternalSink[];
  },
): object {
  if (name.kind === "source") return new SourceTask(context, graph, name.index, inputs);
  if (name.kind === "partition") return new PartitionTask(context, graph, name.task);
  return new JobCoordinator(context, graph, sinks);
}

interface RunOptions {
  readonly world: World;
  readonly scenario: Scenario;
  readonly job: FedJob;
  readonly sink: SimulatedSink | undefined;
  readonly during: SimulateOptions["during"];
  readonly scansOrphans: boolean;
  readonly patience: number;
}

class Run {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #workload: Workload;
  readonly #job: FedJob;
  readonly #sink: SimulatedSink | undefined;
  readonly #log: LogOracle;
  readonly checkpoints: CheckpointOracle;
  readonly #scansOrphans: boolean;
  readonly #patience: number;
  #feed: readonly OutputSegment[] = [];
  orphans = 0;
  finalResult: readonly string[] | undefined;

  constructor({ during, job, patience, scansOrphans, scenario, sink, world }: RunOptions) {
    this.#patience = patience;
    this.#scansOrphans = scansOrphans;
    this.#world = world;
    this.#scenario = scenario;
    this.#job = job;
    this.#sink = sink;
    this.#log = new LogOracle(world, scenario.sources);
    this.checkpoints = new CheckpointOracle(world, this.#log, job);
    this.#workload = new Workload(world, scenario, job);
    world.afterEvent = () => {
      during?.(world);
      this.#log.follow(this.checkpoints.neededFrom);
      return this.checkpoints.follow();
    };
  }

  async play(): Promise<string | undefined> {
    return (
      (await this.#work()) ??
      (await this.#settle()) ??
      (await this.#ask("the job to run, or to end", () => this.#workload.ensureItGoesOn())) ??
      (await this.#silence()) ??
      (await this.#checkWithoutAsking()) ??
      (endsByItself(this.#scenario)
        ? undefined
        : await this.#ask("a last checkpoint", () => this.#lastCheckpoints())) ??
      (await this.#ask("the state to be readable", () => this.#checkState())) ??
      (await this.#ask("the output to be readable", () => this.#checkOutput())) ??
      (await this.#silence()) ??
      (await this.#checkTheEnd()) ??
      (this.#scansOrphans ? await this.#checkOrphans() : undefined)
    );
  }

  async #work(): Promise<string | undefined> {
    this.#workload.start();
    const ended = await this.#world.run({
      events: endsByItself(this.#scenario)
        ? MAXIMUM_EVENTS_TO_END
        : MAXIMUM_EVENTS * this.#patience,
      simulatedMs: MAXIMUM_WORK_MS,
      done: () => this.#workload.isDone,
    });
    if (ended === "done") await this.#outlastTimers();
    this.#world.faults.stop();
    if (ended === "done" || ended === "limit") return undefined;
    return this.#explain(ended, "the work to be done");
  }

  /** What comes of the last lines without a call meets faults too: timers by the clock, silence, questions asked again. */
  async #outlastTimers(): Promise<void> {
    await this.#world.run({
      events: MAXIMUM_EVENTS,
      simulatedMs: LONGEST_REMINDER_MS,
      horizonMs: LONGEST_REMINDER_MS,
    });
  }

  /** Without faults: the work that is left. */
  async #settle(): Promise<string | undefined> {
    const ended = await this.#world.run({
      events: MAXIMUM_EVENTS * this.#patience,
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
    await drainMicrotasks();
    const ended = await this.#world.run({
      events: MAXIMUM_EVENTS * this.#patience,
      simulatedMs: MAXIMUM_WORK_MS,
      done: () => answered,
    });
    if (ended !== "done") return this.#explain(ended, what);
    await asked;
    return undefined;
  }

  /**
   * Two: the first wakes partitions, which then fire timers that they had fired and forgotten. Some hold what goes on
   * only after them, frames that were overtaken and questions without an answer: those are followed by more. And lines
   * that are replayed for the first set timers by the clock anew: it comes to all of them before the next.
   */
  async #lastCheckpoints(): Promise<void> {
    const { alignmentTimeoutMs, job } = this.#scenario;
    const mayHoldMore = alignmentTimeoutMs !== null || job === "enrichment";
    const pausesMs = mayHoldMore ? Array<number>(4).fill(SETTLED_MS) : [1_000];
    if (job === "timers") pausesMs.unshift(LONGEST_REMINDER_MS + 1_000);
    await this.#workload.finalCheckpoint();
    for (const pauseMs of pausesMs) {
      await this.#world.sleep(pauseMs);
      await this.#workload.finalCheckpoint();
    }
  }

  /** Of a job that has ended nothing is live any more: its latest checkpoint is all there is to read. */
  async #checkState(): Promise<void> {
    const states = endsByItself(this.#scenario)
      ? await this.checkpoints.readLatest()
      : await this.#workload.readEverything();
    const { lineage, output } = this.checkpoints;
    this.finalResult = [...textsOfStates(states), ...textsOfOutput(output.upTo(lineage.completed))];
    const wrong = this.#job.check({
      lines: this.#log.linesSince(lineage.since),
      states,
      output: output.upTo(lineage.completed),
      isEnd: true,
    });
    if (wrong !== undefined) {
      this.#world.violations.add(`The job is wrong in the end: ${wrong}.`);
    }
  }

  async #checkOutput(): Promise<void> {
    this.#feed = await this.#workload.readOutput();
    this.checkpoints.output.checkTheEnd(this.#feed);
  }

  /** An idle job makes no request at all: in the end no event is left. */
  async #silence(): Promise<string | undefined> {
    const ended = await this.#world.run({
      events: MAXIMUM_SILENCE_EVENTS * this.#patience,
      simulatedMs: MAXIMUM_WORK_MS,
      horizonMs: SILENCE_MS,
    });
    return ended === "empty" ? undefined : this.#explain(ended, "silence");
  }

  /** With an interval, input that fell silent is covered without anybody asking [24, 26, 27]. */
  async #checkWithoutAsking(): Promise<string | undefined> {
    if (this.#scenario.intervalMs > 0) {
      this.#expectCovered();
      await this.checkpoints.checkLatest();
    }
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
    this.#sink?.checkTheEnd(this.#feed);
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

  /** Whatever landed after its DELETE goes too [10]. */
  async #checkOrphans(): Promise<string | undefined> {
    const minimumAgeMs = 60_000;
    const scan = async (): Promise<void> => {
      await this.#world.sleep(2 * minimumAgeMs);
      this.orphans = await this.#workload.scanOrphans(minimumAgeMs);
    };
    const failure = (await this.#ask("a scan for orphans", scan)) ?? (await this.#silence());
    if (failure !== undefined) return failure;
    this.checkpoints.expectCleanBucket({ butForLateOnes: false });
    return this.#world.violations.first;
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

function textsOfStates(states: States): string[] {
  return [...states]
    .flatMap(([state, entries]) =>
      [...entries].map((entry) => ["state", state, ...entry].join(" ")),
    )
    .toSorted();
}

/** Of an updating output the newest value of each key. */
function textsOfOutput(lines: readonly OutputLine[]): string[] {
  const newest = new Map<string, string>();
  const texts: string[] = [];
  for (const { key, output, value } of lines) {
    const text = JSON.stringify(value);
    const name = `output ${output} ${JSON.stringify(key)}`;
    if (key === undefined) texts.push(`output ${output} ${text}`);
    else if (value === null) newest.delete(name);
    else newest.set(name, text);
  }
  return [...texts, ...[...newest].map((entry) => entry.join(" "))].toSorted();
}
