/**
 * The results of a partition that no completed checkpoint holds yet, by barrier interval [7]: those
 * since the last barrier, and those before each barrier that is not known to be completed.
 *
 * Promise: every acknowledgement names all intervals after its base, and of the newest results one
 * line a key: a checkpoint that was given up leaves its lines to the next one, where a newer result
 * of the same key replaces them. Lines are JSON objects: {"output":name,"value":…}, with "key"
 * before "value" for the newest result of a key.
 * Limit: an interval is held in memory until its checkpoint is completed, unless it is in an object.
 */
import type { Emitter } from "../../dataflow/keyed/emitter.ts";
import { toJsonText } from "../../dataflow/json-text.ts";
import type { Edge } from "../../dataflow/job-graph.ts";
import type { OutputInterval } from "../messages.ts";
import type { LiveResults } from "./live-results.ts";

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
  readonly lines: readonly string[];
  /** The newest result of each key, by output and key. */
  readonly newest: ReadonlyMap<string, string>;
  /** What was made of it for an acknowledgement, to be used again when the next one names the same. */
  encoded?: EncodedInterval;
}

interface EncodedInterval {
  /** Says which lines are in it: the interval's own, or also the newest results since a base. */
  readonly contents: string;
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
  readonly #live: Pick<LiveResults, "offer">;
  readonly #forward: Emitter["forward"];
  readonly #encoder = new TextEncoder();

  /** `forward` takes what goes on to another keyed vertex, `live` what is watched. */
  constructor(
    uploads: OutputUploads,
    live: Pick<LiveResults, "offer">,
    forward: Emitter["forward"],
  ) {
    this.#uploads = uploads;
    this.#live = live;
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
    const line = `{"output":${JSON.stringify(name)},"value":${toJsonText(record)}}`;
    this.#lines.push(line);
    this.#live.offer(line);
    this.#records++;
  }

  upsert(name: string, key: unknown, value: unknown): void {
    const place = `{"output":${JSON.stringify(name)},"key":${toJsonText(key)},`;
    this.#newest.delete(place);
    const line = `${place}"value":${toJsonText(value)}}`;
    this.#newest.set(place, line);
    this.#live.offer(line);
    this.#records++;
  }

  forward(edge: Edge, record: unknown, timestamp: number | undefined): void {
    this.#forward(edge, record, timestamp);
    this.#records++;
  }

  /** The barrier of `checkpoint` has come: what is emitted from now on is behind it. */
  seal(checkpoint: number): void {
    const lines = this.#lines;
    const newest = this.#newest;
    this.#lines = [];
    this.#newest = new Map();
    if (lines.length + newest.size > 0) this.#sealed.push({ checkpoint, lines, newest });
  }

  /** What an acknowledgement of `checkpoint` on `base` names. Throws what a put throws. */
  async intervals(base: number, checkpoint: number): Promise<readonly OutputInterval[]> {
    const wanted = this.#sealed.filter(
      (interval) => interval.checkpoint > base && interval.checkpoint <= checkpoint,
    );
    const newest = newestOf(wanted);
    const named: OutputInterval[] = [];
    let inlineBytes = 0;
    for (const interval of wanted) {
      const isLast = interval === wanted.at(-1);
      const encoded = this.#encode(interval, base, isLast ? newest : []);
      if (encoded.records === 0) continue;
      if ("inline" in encoded.data) {
        const { inline } = encoded.data;
        if (inlineBytes + inline.length > INLINE_LIMIT_BYTES) {
          encoded.path ??= this.#uploads.newPath();
          await this.#uploads.put(encoded.path, inline);
          encoded.data = { path: encoded.path, size: inline.length };
        } else {
          inlineBytes += inline.length;
        }
      }
      const { records, data } = encoded;
      named.push({ checkpoint: interval.checkpoint, records, data });
    }
    return named;
  }

  #encode(interval: SealedInterval, base: number, newest: readonly string[]): EncodedInterval {
    const contents = newest.length > 0 ? `newest results since ${base}` : "own lines";
    if (interval.encoded?.contents === contents) return interval.encoded;
    const lines = [...interval.lines, ...newest];
    const inline = this.#encoder.encode(lines.map((line) => `${line}\n`).join(""));
    interval.encoded = { contents, records: lines.length, data: { inline } };
    return interval.encoded;
  }

  /** The checkpoint is completed: everything up to its barrier is committed. */
  complete(checkpoint: number): void {
    this.#sealed = this.#sealed.filter((interval) => interval.checkpoint > checkpoint);
  }
}

/** One line a key, in order of their last change. */
function newestOf(intervals: readonly SealedInterval[]): readonly string[] {
  const newest = new Map<string, string>();
  for (const interval of intervals) {
    for (const [place, line] of interval.newest) {
      newest.delete(place);
      newest.set(place, line);
    }
  }
  return [...newest.values()];
}

/** The objects among the intervals of an acknowledgement. */
export function outputPaths(intervals: readonly OutputInterval[]): readonly string[] {
  return intervals.flatMap(({ data }) => ("path" in data ? [data.path] : []));
}
