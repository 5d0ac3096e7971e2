/**
 * The end of a source's chain: gives each record to the partition that owns its key, combined with
 * the records of the same key before it, and hands out frames.
 *
 * Promise: what a frame holds is exactly the records that came for its partition since the previous
 * frame of that partition (or reset); a partition that is not active gets none. Not its business:
 * positions. The caller knows which record it is at when `onFull` fires.
 */
import { hash32 } from "../state-engine/bytes/hash.ts";
import { keyCodecs } from "../state-engine/state/key-codec.ts";
import type { KeyCodec } from "../state-engine/state/key-codec.ts";
import { CountCombiner } from "./combiner.ts";
import type { KeyedVertex } from "./job-graph.ts";
import { keyGroupOf, partitionOfKeyGroup } from "./key-group.ts";

export interface PartitionerOptions {
  readonly vertex: KeyedVertex;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** The frame of `partition` is full, the present record goes into the next one. Called before that record is added. */
  readonly onFull: (partition: number, frame: Uint8Array) => void;
}

/** One per keyed vertex a source feeds. */
export class Partitioner {
  readonly #select: (record: unknown) => unknown;
  readonly #codec: KeyCodec;
  readonly #maxParallelism: number;
  readonly #owners: Uint16Array;
  readonly #combiners: readonly CountCombiner[];
  /** 1 for a partition that takes records. */
  readonly #active: Uint8Array;
  readonly #onFull: (partition: number, frame: Uint8Array) => void;
  #key = new Uint8Array(256);

  constructor({ vertex, parallelism, maxParallelism, onFull }: PartitionerOptions) {
    this.#select = vertex.key;
    this.#codec = keyCodecs[vertex.keyType];
    this.#maxParallelism = maxParallelism;
    this.#owners = Uint16Array.from({ length: maxParallelism }, (_, keyGroup) =>
      partitionOfKeyGroup(keyGroup, parallelism, maxParallelism),
    );
    this.#combiners = Array.from({ length: parallelism }, () => new CountCombiner());
    this.#active = new Uint8Array(parallelism).fill(1);
    this.#onFull = onFull;
  }

  /** Whether `partition` takes records from now on. */
  setActive(partition: number, isActive: boolean): void {
    this.#active[partition] = isActive ? 1 : 0;
  }

  /** Takes one record. Throws what the key selector throws, or TypeError for a key of the wrong type. */
  readonly add = (record: unknown): void => {
    const key = this.#select(record);
    const maxSize = this.#codec.maxSize(key);
    if (maxSize > this.#key.length) this.#key = new Uint8Array(maxSize * 2);
    const length = this.#codec.write(key, this.#key, 0);
    const hash = hash32(this.#key, 0, length);
    const partition = this.#owners[keyGroupOf(hash, this.#maxParallelism)]!;
    if (this.#active[partition] === 0) return;
    const combiner = this.#combiners[partition]!;
    if (combiner.add(hash, this.#key, 0, length, 1)) return;
    this.#onFull(partition, combiner.drain());
    combiner.add(hash, this.#key, 0, length, 1);
  };

  /** The frame of what came for `partition` since its last one; undefined when nothing did. */
  drain(partition: number): Uint8Array | undefined {
    const combiner = this.#combiners[partition]!;
    return combiner.isEmpty ? undefined : combiner.drain();
  }

  /** Forgets every record not yet drained. */
  reset(): void {
    for (const combiner of this.#combiners) combiner.clear();
  }
}
