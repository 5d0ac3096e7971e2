/**
 * A small, fast, repeatable random number generator: xoshiro128** (Blackman and Vigna 2018,
 * prng.di.unimi.it/xoshiro128starstar.c), its state filled by the finalizer of MurmurHash3 over a counter.
 * The same parts of a seed give the same numbers in every runtime. Not for secrets.
 */

export class SeededRandom {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** Starts the sequence that belongs to these integers, whatever was drawn before. */
  reseed(seed: number, index: number): void {
    // An index may exceed 32 bits, so its two halves are mixed one after the other.
    let state = mix(seed + GOLDEN_RATIO);
    state = mix((state ^ (index >>> 0)) + GOLDEN_RATIO);
    state = mix((state ^ Math.floor(index / 2 ** 32)) + GOLDEN_RATIO);
    this.#a = mix((state += GOLDEN_RATIO));
    this.#b = mix((state += GOLDEN_RATIO));
    this.#c = mix((state += GOLDEN_RATIO));
    // All four words zero is the one state xoshiro never leaves.
    this.#d = mix(state + GOLDEN_RATIO) | 1;
  }

  /** The next 32 random bits as an integer from 0 to 2^32 - 1. */
  nextUint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** A number in [0, 1). */
  nextFraction(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** An integer in [0, bound), for a bound from 1 to 2^32. The bias is below bound / 2^32. */
  nextInteger(bound: number): number {
    return Math.floor(this.nextFraction() * bound);
  }
}

const GOLDEN_RATIO = 0x9e3779b9;

function mix(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
