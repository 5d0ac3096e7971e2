/**
 * Cuts a stretch of input (the body of a request, an object) at line ends into one segment as the log
 * stores it: UTF-8 lines joined by "\n", no empty lines, no "\r" before a line end, no line end after
 * the last.
 *
 * Promise: pure; looks at each byte a few times, allocates one buffer per segment and nothing per
 * line. Bytes after the last line end are left for the next call, so a line is never torn; at the end
 * of the body what is left is the last line.
 * Does not read the stream, count over calls, or decide what an error is answered with.
 */

/** A segment never exceeds this, and neither does a line. Bytes. */
export const SEGMENT_LIMIT_BYTES = 1024 * 1024;
/** Room a buffer needs so that a line of the greatest length is seen whole with its "\r\n". */
export const CUT_BUFFER_BYTES = SEGMENT_LIMIT_BYTES + 2;

export interface Cut {
  /** Own buffer; absent when there was no line in what was consumed. */
  readonly bytes?: Uint8Array;
  /** Lines in `bytes`. */
  readonly lines: number;
  /** Lines of the body that were consumed, empty ones included. */
  readonly bodyLines: number;
  /** Bytes of the input that were consumed, line ends included. */
  readonly consumed: number;
  /** What is wrong with the line after the consumed ones. */
  readonly problem?: "lineTooLong" | "notUtf8";
}

export interface CutOptions {
  /** The body ended cleanly after these bytes: the last line needs no line end. */
  readonly isEnd: boolean;
  readonly isUtf8: (bytes: Uint8Array) => boolean;
  /** For tests; default SEGMENT_LIMIT_BYTES. */
  readonly limitBytes?: number;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Consumes whole lines from the start of `body`, as many as fit one segment. */
export function cutLines(body: Uint8Array, options: CutOptions): Cut {
  const limit = options.limitBytes ?? SEGMENT_LIMIT_BYTES;
  const end = endOfWholeLines(body, options.isEnd, limit);
  if (end === "none") return nothing;
  if (end === "tooLong") return { ...nothing, problem: "lineTooLong" };
  const stretch = body.subarray(0, end);
  if (options.isUtf8(stretch)) return normalise(stretch, Math.min(end + 1, body.length));
  return cutBeforeDamage(stretch, options.isUtf8);
}

const nothing: Cut = { lines: 0, bodyLines: 0, consumed: 0 };

/** Where the last line that may go into this segment ends, its line feed not included. */
function endOfWholeLines(
  body: Uint8Array,
  isEnd: boolean,
  limit: number,
): number | "none" | "tooLong" {
  if (isEnd && body.length <= limit) {
    return body.length === 0 ? "none" : body.length - (body.at(-1) === LINE_FEED ? 1 : 0);
  }
  const lineFeed = body.lastIndexOf(LINE_FEED, limit);
  if (lineFeed >= 0) return lineFeed;
  if (body.length <= limit) return "none";
  // One line of more than `limit` bytes, unless what exceeds it belongs to its line end.
  if (body[limit] !== CARRIAGE_RETURN) return "tooLong";
  if (body.length === limit + 1) return isEnd ? limit + 1 : "none";
  return body[limit + 1] === LINE_FEED ? limit + 1 : "tooLong";
}

/** `stretch` holds whole lines without the line feed of the last one. */
function normalise(stretch: Uint8Array, consumed: number): Cut {
  const scan = scanLines(stretch);
  if (scan.isRegular) {
    const lines = scan.bodyLines;
    return { bytes: stretch.slice(), lines, bodyLines: lines, consumed };
  }
  return { ...compact(stretch), bodyLines: scan.bodyLines, consumed };
}

/** Regular: no line is empty and none ends with a carriage return, so the bytes can be taken as they are. */
function scanLines(stretch: Uint8Array): { bodyLines: number; isRegular: boolean } {
  let bodyLines = 0;
  let isRegular = true;
  let start = 0;
  while (start <= stretch.length) {
    const end = endOfLine(stretch, start);
    bodyLines++;
    if (end === start || stretch[end - 1] === CARRIAGE_RETURN) isRegular = false;
    start = end + 1;
  }
  return { bodyLines, isRegular };
}

function compact(stretch: Uint8Array): Pick<Cut, "bytes" | "lines"> {
  const output = new Uint8Array(stretch.length);
  let length = 0;
  let lines = 0;
  let start = 0;
  while (start <= stretch.length) {
    const end = endOfLine(stretch, start);
    const contentEnd = end > start && stretch[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (contentEnd > start) {
      if (lines > 0) output[length++] = LINE_FEED;
      output.set(stretch.subarray(start, contentEnd), length);
      length += contentEnd - start;
      lines++;
    }
    start = end + 1;
  }
  return lines === 0 ? { lines } : { bytes: output.slice(0, length), lines };
}

/** The lines before the first one that is not UTF-8, and word of that one. */
function cutBeforeDamage(stretch: Uint8Array, isUtf8: (bytes: Uint8Array) => boolean): Cut {
  let start = 0;
  while (start <= stretch.length) {
    const end = endOfLine(stretch, start);
    if (!isUtf8(stretch.subarray(start, end))) break;
    start = end + 1;
  }
  const before = start === 0 ? nothing : normalise(stretch.subarray(0, start - 1), start);
  return { ...before, problem: "notUtf8" };
}

function endOfLine(stretch: Uint8Array, start: number): number {
  const lineFeed = stretch.indexOf(LINE_FEED, start);
  return lineFeed < 0 ? stretch.length : lineFeed;
}
