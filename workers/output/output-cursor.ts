/** Where a page of output ended: a byte of a segment. Opaque to clients; the same place for ever. */
import { ProblemError } from "../http/problem.ts";

export interface OutputPlace {
  readonly row: number;
  readonly segment: number;
  /** Bytes of the segment before this one were answered. */
  readonly offset: number;
}

export function encodeOutputCursor({ row, segment, offset }: OutputPlace): string {
  return `${row}-${segment}-${offset}`;
}

/** Throws the 400 of the contract for anything that is not a cursor. */
export function decodeOutputCursor(cursor: string): OutputPlace {
  const numbers = /^(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(cursor);
  if (numbers === null) {
    throw new ProblemError({
      status: 400,
      title: "Bad cursor",
      detail: `"${cursor}" is not a cursor of output: send the Next-Cursor header of an earlier page as it is.`,
    });
  }
  const [row, segment, offset] = numbers.slice(1).map(Number);
  return { row: row!, segment: segment!, offset: offset! };
}
