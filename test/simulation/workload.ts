/**
 * The people outside: producers that post requests, someone who asks for checkpoints, someone who reads,
 * someone who stops and starts the job. They behave as the Worker does on their behalf.
 */
import type { OutputSegment, OutputRequest } from "../../durable-objects/coordinator-queries.ts";
import { singleStatesOf } from "./single-states.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { endsByItself } from "./fed-input.ts";
import type { States } from "./jobs/simulated-job.ts";
import { type FedJob, ORDERLESS_JOBS, TIMED_JOBS } from "./jobs/simulated-jobs.ts";
import { readEverything, scanLive } from "./live-reader.ts";
import { OperatorClient } from "./operator-client.ts";
import { deliver, type ProducerRequest } from "./producer-client.ts";
import { QueueClient } from "./queue-client.ts";
import type { Scenario } from "./scenario.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

const HOURS_MS = 5 * 3_600_000;

export class Workload {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #job: FedJob;
  readonly #random: SeededRandom;
  readonly #operator: OperatorClient;
  /** Every line handed over for sending, in no particular order. */
  readonly sent: string[] = [];
  #running = 0;
  /** Producers that have sent their first request. */
  #begun = 0;
  readonly #allBegun = Promise.withResolvers<void>();
  /** Largest value read of each key: live values never fall. */
  readonly #seen = new Map<string, number>();

  constructor(world: World, scenario: Scenario, job: FedJob) {
    this.#world = world;
    this.#scenario = scenario;
    this.#job = job;
    this.#random = world.random.fork();
    this.#operator = new OperatorClient(world, scenario, world.random.fork());
  }

  /** True when every request is in and nobody wants anything any more. */
  get isDone(): boolean {
    return this.#running === 0;
  }

  start(): void {
    if (this.#scenario.input === "posted") this.#startProducers();
    else this.#startFeeds();
    this.#spawn(this.#askForCheckpoints(this.#random.fork()));
    this.#spawn(this.#read(this.#random.fork()));
    // The operator is the last one that is left.
    this.#spawn(this.#operator.run(() => this.#running > 1));
  }

  #startProducers(): void {
    for (let producer = 0; producer < this.#producers; producer++) {
      this.#spawn(this.#produce(producer, this.#random.fork()));
    }
  }

  #startFeeds(): void {
    const { batches } = this.#job.fed;
    this.sent.push(...batches.flat(2));
    if (endsByItself(this.#scenario))
      return this.#spawn(this.#operator.awaitEnd({ starts: false }));
    for (const source of batches.keys()) {
      this.#spawn(this.#sendMessages(source, this.#random.fork()));
    }
  }

  /** In event time one for each source, so that its lines are in order; feeds have one anyway. */
  get #producers(): number {
    const { input, job, producers, sources } = this.#scenario;
    return input !== "posted" || TIMED_JOBS.has(job) ? sources : producers;
  }

  /** Until the job runs, or has come to its end by itself. */
  async ensureItGoesOn(): Promise<void> {
    if (endsByItself(this.#scenario)) await this.#operator.awaitEnd({ starts: true });
    else await this.#operator.ensureRunning();
  }

  /** Asks until a checkpoint covers everything accepted so far. */
  async finalCheckpoint(): Promise<void> {
    for (;;) {
      try {
        const answer = await this.#world
          .outside("final")
          .coordinator()
          .requestCheckpoint({ waitMs: 60_000 });
        if (answer.kind === "completed") return;
        // A stop that was delivered twice takes effect whenever its second copy arrives.
        const isStopped = answer.kind === "unavailable" && answer.status === "STOPPED";
        if (isStopped && this.#scenario.restarts > 0) await this.ensureItGoesOn();
      } catch (error) {
        if (!isFaultOfTheWorld(error)) throw error;
      }
      await this.#world.sleep(500);
    }
  }

  /** Asks until the bucket has been searched; answers how many orphans there were. */
  async scanOrphans(minimumAgeMs: number): Promise<number> {
    for (;;) {
      const scan = await this.#world
        .outside("operator")
        .coordinator()
        .scanOrphans({ minimumAgeMs });
      if (scan.kind === "scanned") return scan.orphans;
      await this.#world.sleep(1_000);
    }
  }

  readEverything(): Promise<States> {
    return readEverything(this.#world, this.#job, this.#scenario.partitions);
  }

  /** All committed output, as it is told to somebody outside. */
  async readOutput(): Promise<readonly OutputSegment[]> {
    const segments: OutputSegment[] = [];
    for (let from: OutputRequest["from"]; ;) {
      const answer = await this.#world
        .outside("reader")
        .coordinator()
        .readOutput(from === undefined ? {} : { from });
      if (answer.kind !== "segments") throw new Error(`The output is ${answer.kind}.`);
      segments.push(...answer.segments);
      const last = answer.segments.at(-1);
      if (answer.isEnd || last === undefined) return segments;
      from = { row: last.row, segment: last.segment + 1 };
    }
  }

  #spawn(work: Promise<void>): void {
    this.#running++;
    work.then(
      () => void this.#running--,
      (error: unknown) => this.#world.violations.add(`A client failed: ${String(error)}`),
    );
  }

  async #produce(index: number, random: SeededRandom): Promise<void> {
    // What is sent depends on nothing but the seed; when and how it is sent depends on the faults.
    const content = random.fork();
    const producer = this.#job.producer(index, random.fork());
    const request = (sequence: number, lines: readonly string[]): ProducerRequest => {
      this.sent.push(...lines);
      const source = index % this.#scenario.sources;
      return { producer: `producer-${index}`, source, sequence, lines };
    };
    for (let sequence = 0; sequence < this.#scenario.requestsPerProducer; sequence++) {
      await this.#pause(random);
      const lines = producer.lines(content.integer(this.#scenario.linesPerRequest + 1));
      await this.#post(request(sequence, lines), random);
      if (sequence === 0) await this.#awaitTheOthers();
    }
    if (producer.closing.length === 0) return;
    await this.#post(request(this.#scenario.requestsPerProducer, producer.closing), random);
  }

  async #sendMessages(source: number, random: SeededRandom): Promise<void> {
    const { job, sources } = this.#scenario;
    const isOrdered = !ORDERLESS_JOBS.has(job);
    const queue = new QueueClient({ world: this.#world, source, sources, isOrdered, random });
    for (const [number, lines] of this.#job.fed.batches[source]!.entries()) {
      await this.#pause(random);
      await queue.deliver(lines);
      if (number === 0) await this.#awaitTheOthers();
    }
    await queue.repeat();
  }

  async #post(request: ProducerRequest, random: SeededRandom): Promise<void> {
    if (random.chance(0.1)) {
      // Somebody upstream sends the same request a second time while the first is still under way.
      this.#spawn(deliver(this.#world, request, random.fork()));
    }
    await deliver(this.#world, request, random);
  }

  /** In event time nobody goes on before a checkpoint has a line of each source: a source that begins later is late. */
  async #awaitTheOthers(): Promise<void> {
    if (!TIMED_JOBS.has(this.#scenario.job)) return;
    if (++this.#begun === this.#producers) {
      await this.finalCheckpoint();
      this.#allBegun.resolve();
    }
    await this.#allBegun.promise;
  }

  /** Sometimes nothing, sometimes long enough for every object to lose its memory, or for hours. */
  async #pause(random: SeededRandom): Promise<void> {
    const longest = this.#scenario.hasLongPauses ? HOURS_MS : 40_000;
    const milliseconds = random.pick([0, 0, 5, 100, 1_500, 12_000, longest]);
    if (milliseconds > 0) await this.#world.sleep(random.between(1, milliseconds));
  }

  async #askForCheckpoints(random: SeededRandom): Promise<void> {
    for (let asked = random.integer(4); asked > 0; asked--) {
      await this.#world.sleep(random.between(0, 20_000));
      try {
        const waitMs = random.pick([0, 1_000, 30_000]);
        await this.#world.outside("asker").coordinator().requestCheckpoint({ waitMs });
      } catch (error) {
        if (!isFaultOfTheWorld(error)) throw error;
      }
    }
  }

  async #read(random: SeededRandom): Promise<void> {
    const places = this.#job.graph.vertices.flatMap((vertex) =>
      singleStatesOf(vertex).map(({ name }) => ({ vertex: vertex.uid, state: name })),
    );
    for (let reads = random.integer(this.#scenario.reads + 1); reads > 0; reads--) {
      await this.#world.sleep(random.between(0, 15_000));
      if (places.length === 0) continue;
      const index = random.integer(this.#scenario.partitions);
      const { state, vertex } = this.#job.growing ?? random.pick(places);
      const entries = await scanLive(this.#world, { vertex, index }, state);
      if (this.#job.growing === undefined || this.#operator.hasGoneBack) continue;
      for (const { key, value } of entries ?? []) this.#expectNoFall(key, Number(value));
    }
  }

  #expectNoFall(key: string, value: number): void {
    const before = this.#seen.get(key) ?? 0;
    if (value < before) {
      this.#world.violations.add(`A live read of ${key} fell from ${before} to ${value} [20].`);
    }
    this.#seen.set(key, Math.max(before, value));
  }
}
