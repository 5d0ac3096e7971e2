/**
 * The end of a source's chain: gives each record to the partition that owns its key, combined with
 * the records of the same key before it, and hands out frames.
 *
 * Promise: what a frame holds is exactly the records that came for its partition since the previous
 * frame of that partition (or reset); a partition that is not active gets none. Not its business:
 * positions. The caller knows which record it is at when `onFrame` is called.
 */
import { keyCodecs } from "../state-engine/state/key-codec.ts";
import type { KeyCodec } from "../state-engine/state/key-codec.ts";
import { CountCombiner } from "./combiner.ts";
import type { KeyedVertex } from "./job-graph.ts";
import { MAX_KEY_BYTES, checkKeyBytes } from "./key-limit.ts";
import { partitionOfKeyGroup } from "./key-group.ts";
import { OperatorFailure } from "./operator-failure.ts";
import { keyByLabel, selectKey } from "./select-key.ts";

export interface PartitionerOptions {
  readonly vertex: KeyedVertex;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Takes the frame of every partition that has records: in drain(), and in add() before the record that no longer fits. */
  readonly onFrame: (partition: number, frame: Uint8Array) => void;
}

/** One per keyed vertex a source feeds. */
export class Partitioner {
  readonly #select: (record: unknown) => unknown;
  readonly #codec: KeyCodec;
  readonly #hasStringKeys: boolean;
  readonly #uid: string;
  readonly #combiner: CountCombiner;
  readonly #onFrame: (partition: number, frame: Uint8Array) => void;

  constructor({ vertex, parallelism, maxParallelism, onFrame }: PartitionerOptions) {
    this.#select = vertex.key;
    this.#uid = vertex.uid;
    this.#codec = keyCodecs[vertex.keyType];
    this.#hasStringKeys = vertex.keyType === "string";
    const owners = Uint16Array.from({ length: maxParallelism }, (_, keyGroup) =>
      partitionOfKeyGroup(keyGroup, parallelism, maxParallelism),
    );
    this.#combiner = new CountCombiner(owners, parallelism);
    this.#onFrame = onFrame;
  }

  /** Whether `partition` takes records from now on. Only while nothing waits to be drained. */
  setActive(partition: number, isActive: boolean): void {
    this.#combiner.setActive(partition, isActive);
  }

  /** Takes one record. Throws OperatorFailure for a key selector that throws, or answers a key of the wrong type or one that is too large. */
  readonly add = (record: unknown): void => {
    const key = selectKey(this.#select, record, this.#uid);
    if (this.#count(key)) return;
    this.drain();
    this.#count(key);
  };

  /** Hands out frames of everything that came since the last ones. */
  drain(): void {
    this.#combiner.drain(this.#onFrame);
  }

  /** Forgets every record not yet drained. */
  reset(): void {
    this.#combiner.clear();
  }

  #count(key: unknown): boolean {
    try {
      if (!this.#hasStringKeys || typeof key !== "string") {
        return this.#combiner.add(this.#codec, key);
      }
      if (key.length > MAX_KEY_BYTES) checkKeyBytes(key.length, this.#uid);
      return this.#combiner.addString(key);
    } catch (error) {
      throw OperatorFailure.of(keyByLabel(this.#uid), error);
    }
  }
}
