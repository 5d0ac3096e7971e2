/**
 * Delivers results as messages of a Cloudflare Queue (dataflow/sinks/queue.ts), in batches within the
 * platform's limits: 100 messages, 256 KB, 128 KB a message.
 *
 * Promise: at least once; each message has an id of job incarnation, checkpoint, sink and its number
 * within the commit, which is the same whenever it is sent again. A record that no message can hold is
 * never dropped: the sink says so until it is mended.
 */
import type { QueueDefinition } from "../../dataflow/sinks/sink-definition.ts";
import type { ExternalSink, SinkCommit } from "../coordinator/commits.ts";
import { notedLayout, progressOf } from "./commit-progress.ts";
import type { OutputPlace, RecordCursor } from "./record-cursor.ts";
import { recordsOf, type SinkSurroundings } from "./sink-surroundings.ts";

const kind = "queue";
const maxMessages = 100;
/** The platform counts in thousands, and adds some 100 bytes to each message. */
const maxMessageBytes = 128_000;
const maxBatchBytes = 256_000;
const platformBytes = 100;
/** Each message is written, read and deleted, and each of that is billed per 64 KB. */
const operationsPerPart = 3;
const partBytes = 64_000;

interface MessageBatch {
  readonly bodies: readonly unknown[];
  /** Billed for it, when each message is delivered once. */
  readonly operations: number;
  /** Of the commit, up to the end of the batch. */
  readonly records: number;
  /** Where the following batch begins; undefined for the last. */
  readonly next: OutputPlace | undefined;
}

export class QueueSink implements ExternalSink {
  readonly name: string;
  readonly layout;
  readonly #definition: QueueDefinition;
  readonly #surroundings: SinkSurroundings;

  constructor(definition: QueueDefinition, surroundings: SinkSurroundings) {
    this.name = definition.name;
    this.layout = notedLayout(definition);
    this.#definition = definition;
    this.#surroundings = surroundings;
  }

  async commit(commit: SinkCommit): Promise<void> {
    const queue = this.#surroundings.world.queue(this.#definition.target.queue);
    const done = progressOf(commit, kind);
    const cursor = recordsOf(commit, this.#surroundings, { sink: this.name, from: done?.place });
    for await (const batch of this.#batches(commit, cursor, done?.records ?? 0)) {
      commit.count({ queueOperations: batch.operations });
      await queue.sendBatch(batch.bodies);
      if (batch.next === undefined) return;
      const { checkpoint } = commit;
      commit.keep({ kind, progress: { checkpoint, records: batch.records, place: batch.next } });
    }
  }

  async *#batches(
    commit: SinkCommit,
    cursor: RecordCursor,
    first: number,
  ): AsyncGenerator<MessageBatch> {
    const decoder = new TextDecoder();
    let records = first;
    let hasRecord = await cursor.advance();
    while (hasRecord) {
      const bodies: unknown[] = [];
      let [bytes, operations] = [0, 0];
      while (hasRecord && bodies.length < maxMessages) {
        const envelope = this.#envelope(commit, records);
        const size = cursor.length + JSON.stringify(envelope).length + platformBytes;
        const isTooLong = size > maxMessageBytes;
        if (bodies.length > 0 && (isTooLong || bytes + size > maxBatchBytes)) break;
        if (isTooLong) throw this.#tooLong(commit, records, size);
        const text = decoder.decode(cursor.bytes.subarray(cursor.begin, cursor.end));
        bodies.push(this.#body(envelope, text, cursor.isKeyed));
        bytes += size;
        operations += operationsPerPart * Math.ceil(size / partBytes);
        records++;
        hasRecord = cursor.next() || (await cursor.advance());
      }
      yield { bodies, operations, records, next: hasRecord ? cursor.place : undefined };
    }
  }

  #envelope({ checkpoint, job, key }: SinkCommit, index: number) {
    return { id: `${key}-${index}`, job, sink: this.name, checkpoint, index, value: null };
  }

  #body(envelope: object, text: string, isKeyed: boolean): unknown {
    const record = JSON.parse(text) as unknown;
    return isKeyed ? { ...envelope, ...(record as object) } : { ...envelope, value: record };
  }

  #tooLong({ checkpoint }: SinkCommit, index: number, size: number): Error {
    return new Error(
      `Record ${index} of checkpoint ${checkpoint} makes a message of ${size} bytes, and a queue takes at most ` +
        `${maxMessageBytes}: deliver such results with r2Files or webhook, or make them smaller.`,
    );
  }
}
