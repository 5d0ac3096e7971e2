/**
 * Text from anywhere but a stream (a generator, an answer, a message) as segments for the log, by the
 * same rules as a posted body. The whole text is in memory.
 */
import { cutLines } from "./cut-lines.ts";

/** Lines as the log stores them: at most 1 MiB, joined by "\n", none empty. */
export interface LineSegment {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

/** Throws RangeError with the number of the line that is too long or not UTF-8. */
export function segmentsOfText(
  text: string | Uint8Array,
  isUtf8: (bytes: Uint8Array) => boolean,
): readonly LineSegment[] {
  let rest = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const segments: LineSegment[] = [];
  let line = 0;
  while (rest.length > 0) {
    const cut = cutLines(rest, { isEnd: true, isUtf8 });
    if (cut.bytes !== undefined) segments.push({ bytes: cut.bytes, lines: cut.lines });
    line += cut.bodyLines;
    if (cut.problem !== undefined) {
      const what = cut.problem === "lineTooLong" ? "has more than 1 MiB" : "is not UTF-8";
      throw new RangeError(`Line ${line + 1} ${what}.`);
    }
    rest = rest.subarray(cut.consumed);
  }
  return segments;
}

/** A record as a line: objects become JSON. */
export function lineOf(record: string | object): string {
  return typeof record === "string" ? record : JSON.stringify(record);
}
