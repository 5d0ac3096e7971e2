/** Finds lines in the text of a segment. */
import type { Segment } from "./log.ts";

/** Where line `index` of the text begins. */
export function startOfLine(text: string, index: number): number {
  let start = 0;
  for (let line = 0; line < index; line++) start = text.indexOf("\n", start) + 1;
  return start;
}

/** One line of a segment that holds it. */
export function lineOf({ firstLine, bytes }: Segment, line: number): string {
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
  const start = startOfLine(text, line - firstLine);
  const end = text.indexOf("\n", start);
  return end < 0 ? text.slice(start) : text.slice(start, end);
}
