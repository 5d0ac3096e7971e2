/** Order of positions on a channel between two partitions: by barrier, then by frame behind it [24]. */
import type { VertexPosition } from "../vertex-messages.ts";

/** Negative when `left` comes first, 0 when they are the same point. */
export function compareVertexPositions(left: VertexPosition, right: VertexPosition): number {
  return left.barrier - right.barrier || left.index - right.index;
}

export function behindBarrier(checkpoint: number): VertexPosition {
  return { barrier: checkpoint, index: 0 };
}

export function nextFrame({ barrier, index }: VertexPosition): VertexPosition {
  return { barrier, index: index + 1 };
}
