/**
 * Random numbers from a seed: the only dice of the tests, so that a failure replays.
 * Algorithm: sfc32 (Small Fast Counter, Chris Doty-Humphrey's PractRand), 32-bit state words.
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Any integer. Equal seeds give equal sequences. */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 4294967296) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let round = 0; round < 12; round++) this.integer(2);
  }

  /** Uniform in [0, 1). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return (sum >>> 0) / 4294967296;
  }

  /** Uniform in 0 … limit − 1. */
  integer(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Uniform in lowest … highest, both included. */
  between(lowest: number, highest: number): number {
    return lowest + this.integer(highest - lowest + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error("There is nothing to pick from: the list is empty.");
    return items[this.integer(items.length)]!;
  }

  /** A generator of its own, so that one more draw here does not shift every draw elsewhere. */
  fork(): SeededRandom {
    return new SeededRandom(this.integer(4294967296) * 4294967296 + this.integer(4294967296));
  }

  /** 16 lower-case hexadecimal digits. */
  hexadecimalId(): string {
    const word = (): string => this.integer(4294967296).toString(16).padStart(8, "0");
    return word() + word();
  }
}
