/**
 * Bloom filter over 32-bit key hashes: 10 bits a key, 6 probes by double hashing (Kirsch and
 * Mitzenmacher 2006), about 1 % false positives. Layout: the bits, then the number of probes (u8).
 */
const BITS_PER_KEY = 10;
const PROBES = 6;

export function buildBloomFilter(hashes: Uint32Array, count: number): Uint8Array {
  const bytes = Math.max(8, Math.ceil((count * BITS_PER_KEY) / 8));
  const filter = new Uint8Array(bytes + 1);
  // Unsigned, so that V8 divides integers and not float64 numbers.
  const bits = (bytes * 8) >>> 0;
  for (let index = 0; index < count; index++) {
    let probe = hashes[index]!;
    const step = stepOf(probe);
    for (let round = 0; round < PROBES; round++) {
      const bit = probe % bits;
      filter[bit >> 3]! |= 1 << (bit & 7);
      probe = (probe + step) >>> 0;
    }
  }
  filter[bytes] = PROBES;
  return filter;
}

/** False: the key is not in the table. True: it may be. */
export function mayContain(filter: Uint8Array, hash: number): boolean {
  const bits = ((filter.length - 1) * 8) >>> 0;
  const probes = filter[filter.length - 1]!;
  let probe = hash >>> 0;
  const step = stepOf(hash);
  for (let round = 0; round < probes; round++) {
    const bit = probe % bits;
    if ((filter[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
    probe = (probe + step) >>> 0;
  }
  return true;
}

function stepOf(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) | 1) >>> 0;
}
