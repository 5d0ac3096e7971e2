/** Order of positions in a log: by line, then by record within the line [1]. */
import type { Position } from "../messages.ts";

/** Negative when `left` comes first, 0 when they are the same point. */
export function comparePositions(left: Position, right: Position): number {
  return left.line - right.line || left.record - right.record;
}

export function furtherPosition(left: Position, right: Position): Position {
  return comparePositions(left, right) >= 0 ? left : right;
}

export function lineStart(line: number): Position {
  return { line, record: 0 };
}
