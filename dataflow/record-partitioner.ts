/**
 * The end of a source's chain for operators that see records one by one: encodes each record and
 * gives it to the partition that owns its key, or to all of them.
 *
 * Promise: what a frame holds is exactly the records that came for its partition since its previous
 * frame (or reset); a partition that is not active gets none.
 */
import { hash32 } from "../state-engine/bytes/hash.ts";
import { keyCodecs, type KeyCodec } from "../state-engine/state/key-codec.ts";
import { structuredCodec } from "./codecs/structured-codec.ts";
import { maxFrameBytes } from "./frame.ts";
import type { Edge, KeyedVertex } from "./job-graph.ts";
import { checkKeyBytes } from "./key-limit.ts";
import { keyGroupOf, partitionOfKeyGroup } from "./key-group.ts";
import { OperatorFailure } from "./operator-failure.ts";
import { keyByLabel, selectKey } from "./select-key.ts";
import { RecordFrameWriter, type TravellingRecord } from "./record-frame.ts";

export interface RecordPartitionerOptions {
  readonly vertex: Pick<KeyedVertex, "uid" | "keyType">;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Takes a partition's frame: in drain(), and in add() before the record that no longer fits. */
  readonly onFrame: (partition: number, frame: Uint8Array) => void;
}

/** Where and when the record at hand comes from. */
export interface RecordOrigin {
  readonly timestamp: number | undefined;
  readonly watermark: number;
  readonly arrivalTime: number;
  readonly line: number;
}

const codec = structuredCodec();
/** What to name when a record cannot travel. The vertex of a "spread" edge is named like the output it stands for. */
const labels: Readonly<Record<Edge["partitioning"], (vertex: string) => string>> = {
  hash: keyByLabel,
  broadcast: (vertex) => `broadcast to "${vertex}"`,
  spread: (vertex) => `output "${vertex}"`,
};
const noBytes = new Uint8Array(0);
/** Spreads consecutive lines evenly over key groups (Knuth's multiplicative hash). */
const SPREAD = 2_654_435_761;

export class RecordPartitioner {
  readonly #options: RecordPartitionerOptions;
  readonly #keys: KeyCodec;
  readonly #owners: Uint16Array;
  readonly #writers: readonly RecordFrameWriter[];
  readonly #active: Uint8Array;
  readonly #record: TravellingRecord = {
    input: 0,
    isBroadcast: false,
    hash: 0,
    key: new Uint8Array(256),
    keyLength: 0,
    value: noBytes,
    timestamp: undefined,
    watermark: -Infinity,
    arrivalTime: 0,
    line: 0,
  };

  constructor(options: RecordPartitionerOptions) {
    const { parallelism, maxParallelism, vertex } = options;
    this.#options = options;
    this.#keys = keyCodecs[vertex.keyType];
    this.#owners = Uint16Array.from({ length: maxParallelism }, (_, keyGroup) =>
      partitionOfKeyGroup(keyGroup, parallelism, maxParallelism),
    );
    this.#writers = Array.from({ length: parallelism }, () => new RecordFrameWriter());
    this.#active = new Uint8Array(parallelism).fill(1);
  }

  /** Whether `partition` takes records from now on. */
  setActive(partition: number, isActive: boolean): void {
    this.#active[partition] = isActive ? 1 : 0;
  }

  /** Takes one record. Throws OperatorFailure for a key selector that throws, a wrong key, or a record that cannot be encoded. */
  add(edge: Edge, value: unknown, origin: RecordOrigin): void {
    const record = this.#record;
    record.input = edge.input;
    record.timestamp = origin.timestamp;
    record.watermark = origin.watermark;
    record.arrivalTime = origin.arrivalTime;
    record.line = origin.line;
    record.isBroadcast = edge.partitioning === "broadcast";
    if (record.isBroadcast) {
      record.value = this.#encode(edge, value);
      for (let partition = 0; partition < this.#writers.length; partition++) this.#give(partition);
      return;
    }
    this.#setKey(edge, value);
    const keyGroup = keyGroupOf(record.hash, this.#options.maxParallelism);
    const partition = this.#owners[keyGroup]!;
    if (this.#active[partition] === 0) return;
    record.value = this.#encode(edge, value);
    this.#give(partition);
  }

  #encode({ partitioning }: Edge, value: unknown): Uint8Array {
    try {
      return codec.encode(value);
    } catch (error) {
      throw OperatorFailure.of(labels[partitioning](this.#options.vertex.uid), error);
    }
  }

  /** Hands out frames of everything that came since the last ones. */
  drain(): void {
    this.#writers.forEach((writer, partition) => {
      if (!writer.isEmpty) this.#options.onFrame(partition, writer.finish());
    });
  }

  /** Forgets every record not yet drained. */
  reset(): void {
    for (const writer of this.#writers) writer.clear();
  }

  #setKey({ partitioning, key: select }: Edge, value: unknown): void {
    const record = this.#record;
    if (partitioning === "spread") {
      record.keyLength = 0;
      record.hash = Math.imul(record.line, SPREAD) >>> 0;
      return;
    }
    const { uid } = this.#options.vertex;
    const key = selectKey(select!, value, uid);
    try {
      const maxSize = this.#keys.maxSize(key);
      if (maxSize > record.key.length) record.key = new Uint8Array(maxSize * 2);
      record.keyLength = this.#keys.write(key, record.key, 0);
      checkKeyBytes(record.keyLength, uid);
    } catch (error) {
      throw OperatorFailure.of(keyByLabel(uid), error);
    }
    record.hash = hash32(record.key, 0, record.keyLength);
  }

  #give(partition: number): void {
    if (this.#active[partition] === 0) return;
    const writer = this.#writers[partition]!;
    const { keyLength, value } = this.#record;
    const most = value.length + keyLength + RECORD_HEAD_BYTES;
    if (!writer.isEmpty && writer.size + most > maxFrameBytes) {
      this.#options.onFrame(partition, writer.finish());
    }
    writer.add(this.#record);
  }
}

/** Flags, input, line, three times, hash and two lengths at most. */
const RECORD_HEAD_BYTES = 1 + 8 + 8 + 3 * 8 + 4 + 2 * 8;
