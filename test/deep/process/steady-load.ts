/**
 * Lines without end for proofs that kill the runtime: seeded, posted by producers of their own, each line counted
 * here as well. What was not answered is posted again before anything new, so that the counts here and
 * in the job are equal once everything was answered.
 */
import { setTimeout as wait } from "node:timers/promises";
import { LineProducer } from "../../../cli/line-producer.ts";
import type { WeirClient } from "../../../cli/weir-client.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { JOB } from "./proof-job.ts";

export interface SteadyLoadOptions {
  readonly random: SeededRandom;
  readonly producers: number;
  /** Each with a name that does not compress: so much state there will be. */
  readonly words: number;
  readonly linesPerBody: number;
  /** Of all producers together; without it as fast as they are answered. */
  readonly linesPerSecond?: number;
}

const WORDS_PER_LINE = 5;

export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #vocabulary: readonly string[];
  readonly #producers: readonly LineProducer[];
  readonly #bodies: Uint8Array<ArrayBuffer>[][];
  readonly #counts = new Map<string, number>();
  #lines = 0;

  constructor(options: SteadyLoadOptions) {
    const { producers, random, words } = options;
    this.#options = options;
    this.#vocabulary = Array.from({ length: words }, () => random.hexadecimalId());
    this.#bodies = Array.from({ length: producers }, () => []);
    this.#producers = this.#bodies.map(
      (bodies, index) => new LineProducer({ id: `steady-${index}`, job: JOB, bodies }),
    );
    // One line with each word: the state has its size from the start.
    this.#bodies[0]!.push(this.#encoded(this.#vocabulary));
  }

  /** What must be counted once everything was answered. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** How many words occur how often, as counts. */
  get groups(): ReadonlyMap<string, number> {
    const groups = new Map<string, number>();
    for (const count of this.#counts.values()) {
      groups.set(String(count), (groups.get(String(count)) ?? 0) + 1);
    }
    return groups;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Requests that ended without an answer. */
  get unanswered(): number {
    return this.#producers.reduce((sum, { unanswered }) => sum + unanswered, 0);
  }

  /** Posts until a connection breaks, or until `isOver`. */
  async post(client: WeirClient, isOver: () => boolean = () => false): Promise<void> {
    let goesOn = true;
    const posting = this.#producers.map(async (producer, index) => {
      let next = performance.now();
      while (goesOn && !isOver()) {
        if (producer.isDone) this.#bodies[index]!.push(this.#nextBody());
        if (!(await producer.post(client))) goesOn = false;
        next = Math.max(next + this.#pauseMs, performance.now() - this.#pauseMs);
        if (next > performance.now()) await wait(next - performance.now());
      }
    });
    await Promise.all(posting);
  }

  /** Posts again what was not answered; throws when that is not answered either. */
  async finish(client: WeirClient): Promise<void> {
    const answers = await Promise.all(this.#producers.map((producer) => producer.post(client)));
    if (answers.includes(false))
      throw new Error("The runtime ended while the last lines were posted.");
  }

  get #pauseMs(): number {
    const { linesPerBody, linesPerSecond, producers } = this.#options;
    return linesPerSecond === undefined ? 0 : (1_000 * linesPerBody * producers) / linesPerSecond;
  }

  #nextBody(): Uint8Array<ArrayBuffer> {
    const { linesPerBody, random } = this.#options;
    // The product of two numbers below 1: some words are far more frequent than others.
    const word = () => {
      const place = random.next() * random.next() * this.#vocabulary.length;
      return this.#vocabulary[Math.floor(place)]!;
    };
    const line = () => Array.from({ length: WORDS_PER_LINE }, word).join(" ");
    return this.#encoded(Array.from({ length: linesPerBody }, line));
  }

  #encoded(lines: readonly string[]): Uint8Array<ArrayBuffer> {
    this.#lines += lines.length;
    for (const line of lines) {
      for (const word of line.split(" ")) {
        this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
      }
    }
    return new TextEncoder().encode(`${lines.join("\n")}\n`);
  }
}
