/**
 * The objects of a schedule, named as docs/protocol.md names them, and words by the partition they
 * go to in a job of two partitions.
 */
import { job } from "../../../dataflow/job.ts";
import { keyGroupOf, partitionOfKeyGroup } from "../../../dataflow/key-group.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { hash32 } from "../../../state-engine/bytes/hash.ts";
import type { ObjectName } from "../world.ts";

export type SourceName = Extract<ObjectName, { kind: "source" }>;
export type PartitionName = Extract<ObjectName, { kind: "partition" }>;

export const MAXIMUM_PARALLELISM = 16;

/** The keyed vertex of the jobs with one. */
export const VERTEX = "counts";

export const C: ObjectName = { kind: "coordinator" };
export const S0: SourceName = { kind: "source", index: 0 };
export const S1: SourceName = { kind: "source", index: 1 };
export const P0 = partition(VERTEX, 0);
export const P1 = partition(VERTEX, 1);

export function partition(vertex: string, index: number): PartitionName {
  return { kind: "partition", task: { vertex, index } };
}

/** Checkpoints come when they are triggered, two partitions, one source: what is given stands over it. */
export function options(given: JobOptionsInput = {}): JobOptionsInput {
  return {
    parallelism: 2,
    maxParallelism: MAXIMUM_PARALLELISM,
    sources: 1,
    restart: { attempts: 1_000, maxBackoffMs: 1_000 },
    ...given,
    checkpoint: { intervalMs: 0, timeoutMs: 30_000, tolerableFailures: 1_000, ...given.checkpoint },
  };
}

/** Every line falls into its words, and each word is counted. */
export function wordCount(given: JobOptionsInput = {}) {
  return job("schedule", options(given))
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .count(VERTEX);
}

/** The partition of two that counts this word. */
export function partitionOf(word: string): number {
  const bytes = new TextEncoder().encode(word);
  const keyGroup = keyGroupOf(hash32(bytes), MAXIMUM_PARALLELISM);
  return partitionOfKeyGroup(keyGroup, 2, MAXIMUM_PARALLELISM);
}

/** `count` words that go to this partition, each `length` characters long. */
export function wordsFor(index: number, count: number, length = 4): readonly string[] {
  const words: string[] = [];
  for (let number = 0; words.length < count; number++) {
    const word = `${number.toString(36)}-`.padEnd(length, scrambled(number));
    if (partitionOf(word) === index) words.push(word);
  }
  return words;
}

/** Text that no codec makes much smaller. */
function scrambled(seed: number): string {
  let [text, value] = ["", seed + 1];
  while (text.length < 2_000) {
    value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += value.toString(36);
  }
  return text;
}

/** Words of one partition each. */
export const [x, x2] = wordsFor(0, 2) as [string, string];
export const [y, y2] = wordsFor(1, 2) as [string, string];

/** Every line is a result. */
export function echo(given: JobOptionsInput = {}) {
  return job("schedule", options(given))
    .lines()
    .keyBy((line) => line)
    .process(VERTEX, { process: (line) => [line] })
    .output();
}

/** Lines are "key value"; the newest value of each key. */
export function reducing(given: JobOptionsInput = {}) {
  return job("schedule", options(given))
    .lines()
    .map((line) => line.split(" ") as [string, string])
    .keyBy(([key]) => key)
    .reduce(VERTEX, (_before, after) => after)
    .output();
}
