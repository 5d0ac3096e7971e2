/** Bytes and ranges that the contract of blob stores is tried with. */

/** Bytes in which no two stretches near each other are alike: a wrong offset shows. */
export function patternBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 0x9e3779b9;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export interface BlobRange {
  readonly offset: number;
  readonly length: number;
}

/** Every range around the edges of a blob, and some far beyond. */
export function rangesOf(size: number): readonly BlobRange[] {
  const edges = [0, 1, 3, size - 1, size, size + 1, size + 1_000];
  const lengths = [0, 1, 2, size - 1, size, size + 1, 2 ** 31, 2 ** 40];
  return edges
    .filter((offset) => offset >= 0)
    .flatMap((offset) => lengths.map((length) => ({ offset, length })))
    .filter(({ length }) => length >= 0);
}
