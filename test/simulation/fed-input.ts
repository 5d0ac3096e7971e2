/**
 * The lines of a job that reads its input by itself: the same for each source in number, so that a
 * generator can deal them out, and the same whatever goes wrong. The feeds are the product's own.
 */
import { generator } from "../../dataflow/feeds/generator.ts";
import { queueMessages } from "../../dataflow/feeds/queue-messages.ts";
import { r2Objects } from "../../dataflow/feeds/r2-objects.ts";
import { job, type Stream } from "../../dataflow/job.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { jobOptions, SIMULATED_JOB } from "./jobs/job-options.ts";
import type { Producer } from "./jobs/simulated-job.ts";
import type { Scenario } from "./scenario.ts";

/** Where lines come from. */
export const INPUT_KINDS = ["posted", "generator", "objects", "queue"] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

export const OBJECT_PREFIX = "in/";
export const QUEUE = "messages";

export class FedInput {
  readonly #scenario: Scenario;
  readonly #producer: (index: number, random: SeededRandom) => Producer;
  readonly #sizes: readonly number[];
  readonly #linesPerSource: number;
  #batches: readonly (readonly (readonly string[])[])[] | undefined;
  #logs: readonly (readonly string[])[] | undefined;

  /** `closingLines`: how many lines each producer sends after everything else. */
  constructor(
    scenario: Scenario,
    closingLines: number,
    producer: (index: number, random: SeededRandom) => Producer,
  ) {
    this.#scenario = scenario;
    this.#producer = producer;
    const random = new SeededRandom(scenario.seed).fork();
    this.#sizes = Array.from({ length: scenario.requestsPerProducer }, () =>
      random.between(1, Math.max(1, scenario.linesPerRequest)),
    );
    this.#linesPerSource = this.#sizes.reduce((sum, size) => sum + size, closingLines);
  }

  /** Of all sources together. */
  get count(): number {
    return this.#scenario.sources * this.#linesPerSource;
  }

  /** By source, lines that belong together, in the order in which they have to enter its log. */
  get batches(): readonly (readonly (readonly string[])[])[] {
    this.#batches ??= Array.from({ length: this.#scenario.sources }, (_, source) => {
      const random = new SeededRandom(this.#scenario.seed + source * 1_000_003).fork();
      const producer = this.#producer(source, random);
      const batches = this.#sizes.map((size) => producer.lines(size));
      return [...batches, producer.closing].filter(({ length }) => length > 0);
    });
    return this.#batches;
  }

  /** As a generator numbers them: every source in its turn. */
  line(index: number): string {
    const { sources } = this.#scenario;
    this.#logs ??= this.batches.map((batches) => batches.flat());
    return this.#logs[index % sources]![Math.floor(index / sources)]!;
  }
}

/** The lines that the job of a scenario begins with. */
export function inputStream(scenario: Scenario, fed: FedInput): Stream<string> {
  const builder = job(SIMULATED_JOB, jobOptions(scenario));
  switch (scenario.input) {
    case "posted":
      return builder.lines();
    case "generator": {
      const { generatorRate } = scenario;
      const rate = generatorRate > 0 ? { ratePerSecond: generatorRate } : {};
      const create = (index: number): string => fed.line(index);
      return builder.from(generator({ create, count: fed.count, ...rate })).lines();
    }
    case "objects":
      return builder.from(r2Objects({ prefix: OBJECT_PREFIX, onBroken: "skip" })).lines();
    case "queue":
      return builder.from(queueMessages({ queue: QUEUE })).lines();
  }
}

/** With the end of its input the job ends. */
export function endsByItself({ input }: Pick<Scenario, "input">): boolean {
  return input === "generator" || input === "objects";
}
