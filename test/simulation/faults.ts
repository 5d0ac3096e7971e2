/**
 * What goes wrong, and when: every die of a simulation that decides about a fault is thrown here.
 * Each kind of fault has dice of its own, so that switching one kind off (to shrink a failing run)
 * leaves the others as they were.
 */
import { SeededRandom } from "../support/seeded-random.ts";

/** Probabilities per call, storage operation or event; 0 switches the fault off. */
export interface FaultRates {
  /** A call that never arrives. */
  readonly lostCall: number;
  /** A call that takes effect and whose answer never arrives. */
  readonly lostAnswer: number;
  /** A call delivered twice. */
  readonly repeatedCall: number;
  /** A call or answer that takes seconds, so that calls on other stubs overtake it. */
  readonly slowCall: number;
  /** Per event: some object loses its memory. */
  readonly crash: number;
  /** Per crash point passed: the object loses its memory right there. */
  readonly crashAtPoint: number;
  /** Per outgoing call or storage operation: the object loses its memory before it leaves. */
  readonly crashAtCall: number;
  /** Share of the crashes that leave a zombie: memory that acts on until it touches its storage. */
  readonly zombie: number;
  /** A storage operation that fails without effect. */
  readonly blobFailure: number;
  /** A PUT or DELETE that takes effect although it is answered with an error. */
  readonly blobIndeterminate: number;
  /** A PUT answered with an error that lands up to two minutes later. */
  readonly blobDelayed: number;
  /** A storage operation that takes seconds. */
  readonly blobSlow: number;
  /** Per event: a new code version is deployed. */
  readonly deploy: number;
  /** What a function or a feed asks outside fails. */
  readonly outsideFailure: number;
  /** What is asked outside takes longer than anybody waits. */
  readonly outsideSlow: number;
  /** Per outgoing call: it takes seconds, and the object that made it loses its memory meanwhile. */
  readonly lastCall: number;
  /** A storage operation refused at once, without effect, as R2 does with 429. */
  readonly blobThrottled: number;
  /** Per read of storage: a bad spell begins, in which every read fails, however often it is repeated. */
  readonly blobBadSpell: number;
}

export const NO_FAULTS: FaultRates = {
  lostCall: 0,
  lostAnswer: 0,
  repeatedCall: 0,
  slowCall: 0,
  crash: 0,
  crashAtPoint: 0,
  crashAtCall: 0,
  zombie: 0,
  blobFailure: 0,
  blobIndeterminate: 0,
  blobDelayed: 0,
  blobSlow: 0,
  deploy: 0,
  outsideFailure: 0,
  outsideSlow: 0,
  lastCall: 0,
  blobThrottled: 0,
  blobBadSpell: 0,
};

export type FaultKind = keyof FaultRates;
export const FAULT_KINDS = Object.keys(NO_FAULTS) as readonly FaultKind[];

export type CallFate = "delivered" | "lost" | "answerLost" | "repeated";
export type PutFate = "written" | "failed" | "throttled" | "indeterminate" | "delayed";

export class Faults {
  readonly #rates: FaultRates;
  readonly #dice: Readonly<Record<FaultKind, SeededRandom>>;
  readonly #latency: SeededRandom;
  /** Draws for choices inside a fault: which object, how long. */
  readonly choices: SeededRandom;
  #stopped = false;
  #badUntil = -Infinity;
  #goodUntil = -Infinity;

  constructor(random: SeededRandom, rates: FaultRates) {
    this.#rates = rates;
    this.#latency = random.fork();
    this.choices = random.fork();
    const dice = FAULT_KINDS.map((kind) => [kind, random.fork()] as const);
    this.#dice = Object.fromEntries(dice) as Record<FaultKind, SeededRandom>;
  }

  /** From now on nothing goes wrong any more. */
  stop(): void {
    this.#stopped = true;
  }

  happens(kind: FaultKind): boolean {
    return !this.#stopped && this.#rates[kind] > 0 && this.#dice[kind].chance(this.#rates[kind]);
  }

  callFate(): CallFate {
    if (this.happens("lostCall")) return "lost";
    if (this.happens("lostAnswer")) return "answerLost";
    return this.happens("repeatedCall") ? "repeated" : "delivered";
  }

  putFate(): PutFate {
    if (this.happens("blobFailure")) return "failed";
    if (this.happens("blobThrottled")) return "throttled";
    if (this.happens("blobIndeterminate")) return "indeterminate";
    return this.happens("blobDelayed") ? "delayed" : "written";
  }

  /** Milliseconds one way. */
  callLatency(): number {
    return this.happens("slowCall") ? this.slowCallLatency() : this.#latency.between(0, 4);
  }

  slowCallLatency(): number {
    return this.choices.between(100, 8_000);
  }

  /** Milliseconds until somebody outside answers. */
  outsideLatency(): number {
    return this.happens("outsideSlow")
      ? this.choices.between(1_000, 20_000)
      : this.#latency.between(2, 60);
  }

  /**
   * Whether storage is in a bad spell at this time, or begins one: then every read fails for a while. For as
   * long as it took no other begins: an attempt that reads much comes to its end.
   */
  isBadSpell(now: number): boolean {
    if (now >= this.#goodUntil && this.happens("blobBadSpell")) {
      const spellMs = this.choices.between(100, 8_000);
      this.#badUntil = now + spellMs;
      this.#goodUntil = this.#badUntil + spellMs;
    }
    return !this.#stopped && now < this.#badUntil;
  }

  /** Milliseconds until a storage operation takes effect, or from its effect to its answer. */
  blobLatency(): number {
    return this.happens("blobSlow")
      ? this.choices.between(500, 15_000)
      : this.#latency.between(2, 30);
  }
}
