/**
 * The results of a partition that no completed checkpoint holds yet, by barrier interval [7]: those
 * since the last barrier, and those before each barrier that is not known to be completed.
 *
 * Promise: an interval's bytes never change once its barrier has come; every acknowledgement names
 * all intervals after its base. Lines are JSON objects: {"output":name,"value":…}, with "key" before
 * "value" for the newest result of a key.
 * Limit: an interval is held in memory until its barrier comes.
 */
import type { Emitter } from "../../dataflow/keyed/emitter.ts";
import { toJsonText } from "../../dataflow/json-text.ts";
import type { Edge } from "../../dataflow/job-graph.ts";
import type { OutputInterval } from "../messages.ts";

/** Bytes of output that an acknowledgement carries itself; more goes into objects. */
const INLINE_LIMIT_BYTES = 64 * 1024;

export interface OutputUploads {
  /** A path never used before, noted before it is answered [10]. */
  newPath(): string;
  put(path: string, bytes: Uint8Array): Promise<void>;
}

/** Everything between two barriers. */
interface SealedInterval {
  readonly checkpoint: number;
  readonly records: number;
  data: OutputInterval["data"];
  /** Where its bytes are being put: the same place however often that has to be tried. */
  path?: string;
}

export class PartitionOutput implements Emitter {
  #lines: string[] = [];
  /** By output and key, in order of their last change. */
  #newest = new Map<string, string>();
  #sealed: SealedInterval[] = [];
  /** Results since the partition was restored. */
  #records = 0;
  readonly #uploads: OutputUploads;
  readonly #forward: Emitter["forward"];
  readonly #encoder = new TextEncoder();

  /** `forward` takes what goes on to another keyed vertex. */
  constructor(uploads: OutputUploads, forward: Emitter["forward"]) {
    this.#uploads = uploads;
    this.#forward = forward;
  }

  /** Whether there is anything that no completed checkpoint holds. */
  get hasUncommitted(): boolean {
    return this.#lines.length > 0 || this.#newest.size > 0 || this.#sealed.length > 0;
  }

  /** Results emitted since the last call. */
  takeRecords(): number {
    const records = this.#records;
    this.#records = 0;
    return records;
  }

  append(name: string, record: unknown): void {
    this.#lines.push(`{"output":${JSON.stringify(name)},"value":${toJsonText(record)}}`);
    this.#records++;
  }

  upsert(name: string, key: unknown, value: unknown): void {
    const place = `{"output":${JSON.stringify(name)},"key":${toJsonText(key)},`;
    this.#newest.delete(place);
    this.#newest.set(place, `${place}"value":${toJsonText(value)}}`);
    this.#records++;
  }

  forward(edge: Edge, record: unknown, timestamp: number | undefined): void {
    this.#forward(edge, record, timestamp);
    this.#records++;
  }

  /** The barrier of `checkpoint` has come: what is emitted from now on is behind it. */
  seal(checkpoint: number): void {
    const lines = [...this.#lines, ...this.#newest.values()];
    this.#lines = [];
    this.#newest.clear();
    if (lines.length === 0) return;
    const inline = this.#encoder.encode(`${lines.join("\n")}\n`);
    this.#sealed.push({ checkpoint, records: lines.length, data: { inline } });
  }

  /** What an acknowledgement of `checkpoint` on `base` names. Throws what a put throws. */
  async intervals(base: number, checkpoint: number): Promise<readonly OutputInterval[]> {
    const wanted = this.#sealed.filter(
      (interval) => interval.checkpoint > base && interval.checkpoint <= checkpoint,
    );
    let inlineBytes = 0;
    for (const interval of wanted) {
      if (!("inline" in interval.data)) continue;
      const { inline } = interval.data;
      if (inlineBytes + inline.length > INLINE_LIMIT_BYTES) {
        interval.path ??= this.#uploads.newPath();
        await this.#uploads.put(interval.path, inline);
        interval.data = { path: interval.path, size: inline.length };
      } else {
        inlineBytes += inline.length;
      }
    }
    return wanted.map(({ checkpoint: id, records, data }) => ({ checkpoint: id, records, data }));
  }

  /** The checkpoint is completed: everything up to its barrier is committed. */
  complete(checkpoint: number): void {
    this.#sealed = this.#sealed.filter((interval) => interval.checkpoint > checkpoint);
  }
}

/** The objects among the intervals of an acknowledgement. */
export function outputPaths(intervals: readonly OutputInterval[]): readonly string[] {
  return intervals.flatMap(({ data }) => ("path" in data ? [data.path] : []));
}
