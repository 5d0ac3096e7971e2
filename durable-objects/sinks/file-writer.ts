/**
 * The files of one commit: records by directory, closed when they are full or memory is, and put under
 * keys that are the same in every attempt.
 *
 * Promise: which record goes into which file is a function of the records, their order and the layout.
 * An object that is there already has to be the same file: anything else is refused, never overwritten.
 * Memory: `openBytes` and one record, and a compressed copy of the file being put.
 */
import type { R2FilesLayout } from "../../dataflow/sinks/sink-definition.ts";
import type { SinkCommit } from "../coordinator/commits.ts";
import { gzip } from "./gzip.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import type { OutsideBucket } from "./outside-world.ts";
import type { SinkSurroundings } from "./sink-surroundings.ts";

export interface FileWriterOptions {
  readonly sink: string;
  readonly commit: SinkCommit;
  readonly layout: R2FilesLayout & { readonly openBytes: number };
  readonly bucket: OutsideBucket;
  readonly environment: SinkSurroundings["environment"];
  /** Files that an earlier attempt is known to have put. */
  readonly alreadyPut: number;
  /** Before the file number `files`, when others were put. */
  readonly onPut: (files: number) => void;
}

/** A file as the manifest of its commit lists it. */
export type WrittenFile = {
  readonly key: string;
  /** Bytes of the object. */
  readonly size: number;
  readonly records: number;
};

interface OpenFile {
  readonly directory: string;
  readonly lines: GrowingBytes;
  records: number;
}

export class FileWriter {
  readonly written: WrittenFile[] = [];
  readonly #options: FileWriterOptions;
  /** In order of their first record. */
  readonly #open = new Map<string, OpenFile>();
  #openBytes = 0;

  constructor(options: FileWriterOptions) {
    this.#options = options;
  }

  /** Adds the record from `begin` to `end`; answers a promise when a file had to be closed for it. */
  append(
    directory: string,
    bytes: Uint8Array,
    begin: number,
    end: number,
  ): Promise<void> | undefined {
    const { openBytes, rollBytes } = this.#options.layout;
    const file = this.#fileOf(directory);
    const size = end - begin + 1;
    const isFull = file.records > 0 && file.lines.length + size > rollBytes;
    if (!isFull && this.#openBytes + size <= openBytes) {
      this.#add(file, bytes, begin, end);
      return undefined;
    }
    return this.#makeRoom(file, isFull, size).then(() =>
      this.#add(this.#fileOf(directory), bytes, begin, end),
    );
  }

  /** Puts what is still open. */
  async finish(): Promise<void> {
    for (const file of this.#open.values()) await this.#close(file);
  }

  async #makeRoom(file: OpenFile, isFull: boolean, size: number): Promise<void> {
    if (isFull) await this.#close(file);
    while (this.#openBytes > 0 && this.#openBytes + size > this.#options.layout.openBytes) {
      const [first, ...others] = this.#open.values();
      await this.#close(
        others.reduce((most, one) => (one.lines.length > most.lines.length ? one : most), first!),
      );
    }
  }

  #fileOf(directory: string): OpenFile {
    const open = this.#open.get(directory);
    if (open !== undefined) return open;
    const created: OpenFile = { directory, lines: new GrowingBytes(), records: 0 };
    this.#open.set(directory, created);
    return created;
  }

  #add(file: OpenFile, bytes: Uint8Array, begin: number, end: number): void {
    file.lines.appendLine(bytes, begin, end);
    file.records++;
    this.#openBytes += end - begin + 1;
  }

  async #close({ directory, lines, records }: OpenFile): Promise<void> {
    this.#open.delete(directory);
    this.#openBytes -= lines.length;
    if (records === 0) return;
    const { alreadyPut, onPut } = this.#options;
    const index = this.written.length;
    const key = this.#key(directory, index);
    if (index > alreadyPut) onPut(index);
    const known = index < alreadyPut ? await this.#sizeOf(key) : undefined;
    const size = known ?? (await this.#put(key, lines.copy()));
    this.written.push({ key, size, records });
  }

  async #sizeOf(key: string): Promise<number | undefined> {
    this.#options.commit.count({ classB: 1 });
    return await this.#options.bucket.sizeOf(key);
  }

  async #put(key: string, lines: Uint8Array): Promise<number> {
    const { bucket, commit, environment, layout } = this.#options;
    const isGzip = layout.gzip;
    commit.count({ classA: 1 });
    const { size } = await bucket.putIfAbsent(key, {
      bytes: isGzip ? gzip(lines, environment) : lines,
      contentType: isGzip ? "application/gzip" : "application/x-ndjson",
      // Of what is in it: another version of the compressor is no other file.
      fingerprint: `${lines.length}-${environment.crc32(lines)}`,
    });
    return size;
  }

  #key(directory: string, index: number): string {
    const { commit, layout, sink } = this.#options;
    const ending = layout.gzip ? "ndjson.gz" : "ndjson";
    const number = String(index).padStart(5, "0");
    return `${directory}${sink}-${commitName(commit)}-${number}.${ending}`;
  }
}

/** Sorts in order of commit within one incarnation of the job. */
export function commitName({ checkpoint, incarnation }: SinkCommit): string {
  return `${incarnation.slice(0, 16)}-${String(checkpoint).padStart(10, "0")}`;
}
