/**
 * The people outside: producers that post requests in segments and try again until everything is in,
 * someone who asks for checkpoints, someone who reads. They behave as the Worker does on their behalf.
 */
import type { AppendAnswer } from "../../durable-objects/messages.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { type Scenario, VERTEX } from "./scenario.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

interface Request {
  readonly producer: string;
  readonly source: number;
  readonly sequence: number;
  readonly lines: readonly string[];
}

const ACCOUNTS = 6;

export class Workload {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  /** Every line handed over for sending, in no particular order. */
  readonly sent: string[] = [];
  #running = 0;
  /** Largest value read of each key, by partition: live values never fall. */
  readonly #seen = new Map<string, number>();

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
    this.#random = world.random.fork();
  }

  /** True when every request is in and nobody wants anything any more. */
  get isDone(): boolean {
    return this.#running === 0;
  }

  start(): void {
    for (let producer = 0; producer < this.#scenario.producers; producer++) {
      this.#spawn(this.#produce(producer, this.#random.fork()));
    }
    this.#spawn(this.#askForCheckpoints(this.#random.fork()));
    this.#spawn(this.#read(this.#random.fork()));
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
      } catch (error) {
        if (!isFaultOfTheWorld(error)) throw error;
      }
      await this.#sleep(500);
    }
  }

  /** Every entry of the live state, once all partitions have caught up. */
  async readEverything(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (let index = 0; index < this.#scenario.partitions; index++) {
      for (;;) {
        const entries = await this.#scan(index);
        if (entries === undefined) {
          await this.#sleep(500);
          continue;
        }
        for (const [key, value] of entries) counts.set(key, (counts.get(key) ?? 0) + value);
        break;
      }
    }
    return counts;
  }

  #spawn(work: Promise<void>): void {
    this.#running++;
    work.then(
      () => void this.#running--,
      (error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#world.violations.add(`A client failed: ${text}`);
      },
    );
  }

  async #produce(producer: number, random: SeededRandom): Promise<void> {
    // Dice of its own: what is sent does not depend on what goes wrong.
    const content = random.fork();
    for (let sequence = 0; sequence < this.#scenario.requestsPerProducer; sequence++) {
      await this.#pause(random);
      const count = content.integer(this.#scenario.linesPerRequest + 1);
      const lines = this.#lines(`${producer}-${sequence}`, count, content);
      this.sent.push(...lines);
      const source = producer % this.#scenario.sources;
      const request = { producer: `producer-${producer}`, source, sequence, lines };
      if (random.chance(0.1)) {
        // Somebody upstream sends the same request a second time while the first is still under way.
        const rival = random.fork();
        this.#spawn(this.#deliver(request, rival));
      }
      await this.#deliver(request, random);
    }
  }

  /** Sometimes nothing, sometimes long enough for every object to lose its memory. */
  async #pause(random: SeededRandom): Promise<void> {
    const milliseconds = random.pick([0, 0, 5, 100, 1_500, 12_000, 40_000]);
    if (milliseconds > 0) await this.#sleep(random.between(1, milliseconds));
  }

  /** Each line has a word of its own and moves one unit from an account to another. */
  #lines(request: string, count: number, random: SeededRandom): string[] {
    return Array.from({ length: count }, (_, number) => {
      const [from, to] = [random.integer(ACCOUNTS), random.integer(ACCOUNTS)];
      const words = [
        `line${request}-${number}${padding(random, this.#scenario.paddingBytes)}`,
        `debit${from}`,
        `credit${to}`,
      ];
      for (let more = random.integer(6); more > 0; more--) {
        words.push(`word${random.integer(this.#scenario.sharedWords)}`);
      }
      return words.join(" ");
    });
  }

  async #deliver(request: Request, random: SeededRandom): Promise<void> {
    let from = 0;
    for (let attempt = 0; ; attempt++) {
      const isLast = random.chance(0.5);
      const upTo = isLast ? request.lines.length : random.between(from, request.lines.length);
      const next = await this.#append(request, from, upTo, upTo === request.lines.length);
      if (next === "closed") return;
      if (next === "failed") {
        await this.#sleep(random.between(1, 200));
        // As the Worker, from the segment that failed; or as the client, from the beginning.
        if (random.chance(0.5)) from = 0;
      } else if (next === "later") {
        await this.#sleep(1_000);
      } else {
        from = next;
      }
    }
  }

  /** The line to go on from, or what happened instead. */
  async #append(
    request: Request,
    from: number,
    upTo: number,
    last: boolean,
  ): Promise<number | "closed" | "failed" | "later"> {
    const lines = request.lines.slice(from, upTo);
    if (lines.length === 0 && !last) return from;
    let answer: AppendAnswer;
    try {
      answer = await this.#world
        .outside(request.producer)
        .source(request.source)
        .append({
          producer: { id: request.producer, sequence: request.sequence },
          fromLine: from,
          lines: lines.length,
          bytes: new TextEncoder().encode(lines.join("\n")),
          last,
        });
    } catch (error) {
      if (isFaultOfTheWorld(error)) return "failed";
      throw error;
    }
    switch (answer.kind) {
      case "appended":
        return last ? "closed" : upTo;
      case "duplicate":
        return "closed";
      case "lineGap":
        return answer.linesIn;
      case "full":
      case "unavailable":
        return "later";
      case "sequenceGap":
        throw new Error(
          `${request.producer} sent sequence ${request.sequence} and was told to send ${answer.expectedSequence}.`,
        );
    }
  }

  async #askForCheckpoints(random: SeededRandom): Promise<void> {
    for (let asked = random.integer(4); asked > 0; asked--) {
      await this.#sleep(random.between(0, 20_000));
      try {
        const waitMs = random.pick([0, 1_000, 30_000]);
        await this.#world.outside("asker").coordinator().requestCheckpoint({ waitMs });
      } catch (error) {
        if (!isFaultOfTheWorld(error)) throw error;
      }
    }
  }

  async #read(random: SeededRandom): Promise<void> {
    for (let reads = random.integer(this.#scenario.reads + 1); reads > 0; reads--) {
      await this.#sleep(random.between(0, 15_000));
      const index = random.integer(this.#scenario.partitions);
      for (const [key, value] of (await this.#scan(index)) ?? []) this.#expectNoFall(key, value);
    }
  }

  #expectNoFall(key: string, value: number): void {
    const before = this.#seen.get(key) ?? 0;
    if (value < before) {
      this.#world.violations.add(`A live read of "${key}" fell from ${before} to ${value} [20].`);
    }
    this.#seen.set(key, Math.max(before, value));
  }

  /** Page by page: however high the limit, a page ends at some megabytes [41]. */
  async #scan(index: number): Promise<[string, number][] | undefined> {
    const found: [string, number][] = [];
    let from: { cursor?: string } = {};
    try {
      for (;;) {
        const answer = await this.#world
          .outside("reader")
          .partition({ vertex: VERTEX, index })
          .scanState({ state: VERTEX, prefix: "", limit: 100_000, order: "key", ...from });
        if (answer.kind !== "page") return undefined;
        for (const { key, value } of answer.entries) {
          found.push([JSON.parse(key) as string, Number(value)]);
        }
        if (answer.next === undefined) return found;
        from = { cursor: answer.next };
      }
    } catch (error) {
      if (isFaultOfTheWorld(error)) return undefined;
      throw error;
    }
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.scheduler.schedule(milliseconds, "a client goes on", resolve);
    });
  }
}

/** Text that no codec makes smaller by much, from seeded dice. */
function padding(random: SeededRandom, bytes: number): string {
  let text = "";
  while (text.length < bytes) text += random.next().toString(36).slice(2);
  return text.slice(0, bytes);
}
