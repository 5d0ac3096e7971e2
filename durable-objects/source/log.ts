/**
 * The replayable log of a source: segments of lines, one SQLite row each, numbered by line over the
 * whole life of the job. It is Weir's only write-ahead log.
 *
 * Promise: a line keeps its number for ever; what is truncated is a prefix. Arrival times never go
 * back [15]. Transactions are the caller's.
 */
import type { Sql } from "../object-context.ts";

export interface Segment {
  readonly firstLine: number;
  readonly lines: number;
  readonly arrivalTime: number;
  /** UTF-8 lines joined by "\n". */
  readonly bytes: Uint8Array;
}

/** Where an empty log goes on: what the last truncated segment left behind. */
export interface LogEnd {
  readonly line: number;
  /** Bytes ever accepted. */
  readonly byte: number;
  readonly arrivalTime: number;
}

const maxRowsAtOnce = 1_000;

export class SourceLog {
  readonly #sql: Sql;
  #end: LogEnd;
  #firstLine: number;
  #firstByte: number;

  /** `emptyEnd` is where the log goes on when it holds no segment. */
  constructor(sql: Sql, emptyEnd: LogEnd) {
    this.#sql = sql;
    const [last] = sql.exec<SegmentHead>(`${selectHead} ORDER BY first_line DESC LIMIT 1`);
    this.#end =
      last === undefined
        ? emptyEnd
        : {
            line: last.first_line + last.lines,
            byte: last.start_byte + last.size,
            arrivalTime: last.arrival_time,
          };
    this.#firstLine = this.#end.line;
    this.#firstByte = this.#end.byte;
    this.#readFirst();
  }

  /** The first line not yet accepted, bytes ever accepted, newest arrival time. */
  get end(): LogEnd {
    return this.#end;
  }

  /** The first line still kept. */
  get firstLine(): number {
    return this.#firstLine;
  }

  get bytesKept(): number {
    return this.#end.byte - this.#firstByte;
  }

  /**
   * Adds a segment: one row. Call `committed` once its transaction has committed; a further segment of
   * the same transaction comes `after` what the one before answered.
   */
  append(lines: number, bytes: Uint8Array, now: number, after = this.#end): LogEnd {
    const { line, byte } = after;
    const arrivalTime = Math.max(now, after.arrivalTime);
    this.#sql.exec(
      "INSERT INTO segments VALUES (?, ?, ?, ?, ?)",
      line,
      lines,
      byte,
      arrivalTime,
      bytes,
    );
    return { line: line + lines, byte: byte + bytes.length, arrivalTime };
  }

  committed(end: LogEnd): void {
    this.#end = end;
  }

  /** Whole segments from the one that holds `line`: one at least, then as many as fit into `maxBytes`. */
  read(line: number, maxBytes: number): Segment[] {
    const segments: Segment[] = [];
    let left = maxBytes;
    let from = this.#headOf(line)?.first_line;
    let limit = 1;
    while (from !== undefined && left > 0) {
      const rows = this.#sql.exec<{
        first_line: number;
        lines: number;
        arrival_time: number;
        bytes: Uint8Array;
      }>(
        `SELECT first_line, lines, arrival_time, bytes FROM segments
         WHERE first_line >= ? ORDER BY first_line LIMIT ?`,
        from,
        limit,
      );
      from = undefined;
      for (const row of rows) {
        if (segments.length > 0 && row.bytes.length > left) return segments;
        left -= row.bytes.length;
        from = row.first_line + row.lines;
        segments.push({
          firstLine: row.first_line,
          lines: row.lines,
          arrivalTime: row.arrival_time,
          bytes: row.bytes,
        });
      }
      const size = segments.at(-1)?.bytes.length ?? 1;
      limit = Math.max(1, Math.min(maxRowsAtOnce, Math.floor(left / Math.max(size, 1))));
    }
    return segments;
  }

  /** Bytes ever accepted before the segment that holds `line`. */
  byteAt(line: number): number {
    return this.#headOf(line)?.start_byte ?? this.#end.byte;
  }

  /** Deletes the segments wholly below `line`; answers how many. */
  truncate(line: number): number {
    const boundary = line >= this.#end.line ? this.#end.line : this.#headOf(line)?.first_line;
    if (boundary === undefined || boundary <= this.#firstLine) return 0;
    const gone = this.#sql.exec(
      "DELETE FROM segments WHERE first_line < ? RETURNING first_line",
      boundary,
    );
    this.#readFirst();
    return gone.length;
  }

  #readFirst(): void {
    const [first] = this.#sql.exec<SegmentHead>(`${selectHead} ORDER BY first_line LIMIT 1`);
    this.#firstLine = first?.first_line ?? this.#end.line;
    this.#firstByte = first?.start_byte ?? this.#end.byte;
  }

  #headOf(line: number): SegmentHead | undefined {
    const [head] = this.#sql.exec<SegmentHead>(
      `${selectHead} WHERE first_line <= ? ORDER BY first_line DESC LIMIT 1`,
      line,
    );
    return head !== undefined && head.first_line + head.lines > line ? head : undefined;
  }
}

type SegmentHead = {
  first_line: number;
  lines: number;
  start_byte: number;
  arrival_time: number;
  size: number;
};

const selectHead =
  "SELECT first_line, lines, start_byte, arrival_time, length(bytes) AS size FROM segments";

/** The bytes after the first `skip` of the lines in `bytes`. A buffer of its own when anything is skipped. */
export function skipLines(bytes: Uint8Array, skip: number): Uint8Array {
  let start = 0;
  for (let skipped = 0; skipped < skip; skipped++) {
    const lineEnd = bytes.indexOf(10, start);
    if (lineEnd < 0) return new Uint8Array(0);
    start = lineEnd + 1;
  }
  return start === 0 ? bytes : bytes.slice(start);
}
