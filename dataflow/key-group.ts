/**
 * Which partition a key belongs to. A key's hash gives its key group for ever; a partition owns a
 * contiguous range of key groups, and a rescale only moves ranges.
 *
 * The arithmetic is Flink's (KeyGroupRangeAssignment), so that every key group has exactly one owner
 * and ranges differ in size by at most one.
 */
import type { KeyGroupRange } from "../state-engine/version/table-reference.ts";

/** The key group of a key whose bytes hash to `hash` (unsigned 32-bit). */
export function keyGroupOf(hash: number, maxParallelism: number): number {
  // A power of two, as it usually is, needs no division.
  const mask = maxParallelism - 1;
  return (maxParallelism & mask) === 0 ? hash & mask : hash % maxParallelism;
}

/** The partition that owns `keyGroup`. */
export function partitionOfKeyGroup(
  keyGroup: number,
  parallelism: number,
  maxParallelism: number,
): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups partition `index` owns. */
export function keyGroupRangeOf(
  index: number,
  parallelism: number,
  maxParallelism: number,
): KeyGroupRange {
  if (parallelism < 1 || parallelism > maxParallelism || index < 0 || index >= parallelism) {
    throw new Error(
      `Partition ${index} of ${parallelism} with ${maxParallelism} key groups does not exist: ` +
        `parallelism must be 1 to maxParallelism, and the index below it.`,
    );
  }
  return {
    first: Math.ceil((index * maxParallelism) / parallelism),
    last: Math.ceil(((index + 1) * maxParallelism) / parallelism) - 1,
  };
}
