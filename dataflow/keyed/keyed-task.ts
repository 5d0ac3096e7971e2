/**
 * A keyed operator over the state engine: applies the records of a frame. Counting writes one merge
 * operand a record and reads nothing.
 *
 * Promise: no allocation, string or await per record. A throw leaves the frame applied in part: the
 * caller must drop the engine [8].
 */
import {
  STATE_KEY_HEADER_BYTES,
  writeStateKeyHeader,
  type StateEngine,
} from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { FrameError, FrameReader } from "../frame.ts";
import type { KeyedVertex } from "../job-graph.ts";
import { keyGroupOf } from "../key-group.ts";
import { keyedStatesOf } from "./keyed-states.ts";

export interface KeyedTaskOptions {
  readonly vertex: KeyedVertex;
  readonly engine: Pick<StateEngine, "mergeInt64" | "advanceTime" | "admit" | "isWithinAdmitted">;
  /** The key groups this task owns. */
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  /** The task's time as restored, milliseconds since the epoch. */
  readonly time: number;
}

/** Admitted at a time beyond the bytes of a frame: an entry is larger in memory than in a frame. */
const FURTHER_BYTES = 32 * 1024;

export class KeyedTask {
  readonly #options: KeyedTaskOptions;
  readonly #stateId: number;
  /** Header and key of the record at hand. */
  #stateKey = new Uint8Array(256);
  #time: number;

  constructor(options: KeyedTaskOptions) {
    this.#options = options;
    this.#time = options.time;
    options.engine.advanceTime(options.time);
    this.#stateId = keyedStatesOf(options.vertex)[0]!.id;
  }

  /** Largest arrival time of a record applied: the time that TTL goes by [15]. */
  get time(): number {
    return this.#time;
  }

  /**
   * Applies every record of the frame and answers how many came in, combined ones counted one by one.
   * `arrivalTime` is the largest of the frame's records; a frame without records moves no time. Answers a promise
   * only when the records write more than there is room for. Throws FrameError for what is no frame of counts.
   */
  apply(frame: Uint8Array, arrivalTime: number): number | Promise<number> {
    const reader = new FrameReader(frame);
    if (reader.records > 0 && arrivalTime > this.#time) {
      this.#time = arrivalTime;
      this.#options.engine.advanceTime(arrivalTime);
    }
    return this.#count(reader, 0);
  }

  /** `counted`: of the frame's records, before this call. */
  #count(reader: FrameReader, counted: number): number | Promise<number> {
    const { engine, keyGroups, maxParallelism } = this.#options;
    const stateId = this.#stateId;
    const { bytes } = reader;
    let records = counted;
    while (reader.next()) {
      const { hash, keyOffset, keyLength, delta } = reader;
      const keyGroup = keyGroupOf(hash, maxParallelism);
      if (keyGroup < keyGroups.first || keyGroup > keyGroups.last) this.#refuseKeyGroup(keyGroup);
      const length = STATE_KEY_HEADER_BYTES + keyLength;
      if (length > this.#stateKey.length) this.#stateKey = new Uint8Array(length * 2);
      const stateKey = this.#stateKey;
      writeStateKeyHeader(stateKey, 0, keyGroup, stateId);
      for (let index = 0; index < keyLength; index++) {
        stateKey[STATE_KEY_HEADER_BYTES + index] = bytes[keyOffset + index]!;
      }
      engine.mergeInt64(stateKey, 0, length, hash, delta);
      records += delta;
      if (engine.isWithinAdmitted) continue;
      const room = engine.admit(FURTHER_BYTES);
      const soFar = records;
      if (room !== undefined) return room.then(() => this.#count(reader, soFar));
    }
    return records;
  }

  #refuseKeyGroup(keyGroup: number): never {
    const { first, last } = this.#options.keyGroups;
    throw new FrameError(
      `A record of key group ${keyGroup} came to the owner of ${first} to ${last}: ` +
        `the sender knows another parallelism.`,
    );
  }
}
