/**
 * Decides what a source cuts next. Channels that stand at the same point share a cursor and move
 * together; a channel that was sent back has its own until it meets another [29]. A pure function of
 * where the channels stand.
 */
import type { Position } from "../messages.ts";
import { comparePositions, lineStart } from "./position.ts";

export interface ChannelView {
  readonly cut: Position;
  readonly isOpen: boolean;
  /** The next batch may be cut for it. */
  readonly hasRoom: boolean;
}

export interface LogView {
  /** The first line that is not in the log yet. */
  readonly endLine: number;
  /** No batch crosses this line: a pending barrier stands there [2]. */
  readonly barrierLine: number | undefined;
  /** Whether `line` is so far ahead of `laggard` that its channels must wait [29]. */
  isTooFarAhead(line: number, laggard: number): boolean;
}

export interface BatchPlan<Channel> {
  readonly from: Position;
  /** Stop before this line; above `from.line`. */
  readonly toLine: number;
  readonly channels: readonly Channel[];
}

/** The furthest-behind group of channels that can go on; undefined when none can. */
export function planBatch<Channel extends ChannelView>(
  channels: readonly Channel[],
  log: LogView,
): BatchPlan<Channel> | undefined {
  if (channels.length === 0) return undefined;
  const laggard = Math.min(...channels.map((channel) => channel.cut.line));
  const open = channels
    .filter((channel) => channel.isOpen)
    .toSorted((left, right) => comparePositions(left.cut, right.cut));
  for (let begin = 0, end = 0; begin < open.length; begin = end) {
    const from = open[begin]!.cut;
    while (end < open.length && comparePositions(open[end]!.cut, from) === 0) end++;
    const group = open.slice(begin, end);
    const toLine = lineToStopAt(from, open.slice(end), log);
    const canGo = toLine > from.line && group.every((channel) => channel.hasRoom);
    if (canGo && !log.isTooFarAhead(from.line, laggard)) return { from, toLine, channels: group };
  }
  return undefined;
}

function lineToStopAt(
  from: Position,
  further: readonly ChannelView[],
  { endLine, barrierLine }: LogView,
): number {
  const meeting = further.find((channel) => channel.cut.line > from.line)?.cut.line ?? endLine;
  const isBeforeBarrier =
    barrierLine !== undefined && comparePositions(from, lineStart(barrierLine)) < 0;
  return Math.min(endLine, meeting, isBeforeBarrier ? barrierLine : endLine);
}
