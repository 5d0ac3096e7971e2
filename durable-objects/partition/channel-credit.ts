/**
 * How many bytes each sender may have under way at a receiver: a part of the receiver's share of the
 * isolate's memory, over all its channels together, so that the budget holds however many there are [31].
 */
import type { MemoryPool } from "../../state-engine/environment.ts";

const MOST_BYTES = 4 * 1024 * 1024;
/** One frame of the largest size must always be allowed, or the channel would stand still. */
const LEAST_BYTES = 256 * 1024;
/** The rest of the share is the engine's. */
const PART_FOR_FRAMES = 1 / 4;

export function channelCredit(memory: Pick<MemoryPool, "share">, channels: number): number {
  const bytes = Math.floor((memory.share() * PART_FOR_FRAMES) / Math.max(1, channels));
  return Math.max(LEAST_BYTES, Math.min(MOST_BYTES, bytes));
}

/** How many bytes of frames a sender keeps for its receivers before it takes no more input. */
export function outgoingBound(memory: Pick<MemoryPool, "share">): number {
  return Math.max(LEAST_BYTES, Math.min(MOST_BYTES, Math.floor(memory.share() * PART_FOR_FRAMES)));
}
