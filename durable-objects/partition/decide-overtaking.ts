/**
 * Whether the barrier of a checkpoint overtakes the frames before it (Flink's unaligned checkpoints
 * with an alignment timeout). Pure.
 *
 * It never does before it has arrived on every channel: what it overtakes is then known and within the
 * limit, and nothing has to be recorded afterwards. Senders let it overtake what waits for credit, so
 * it arrives in the time of a call.
 */
import type { MemoryPool } from "../../state-engine/environment.ts";

export interface OvertakingFacts {
  /** Since the checkpoint's first barrier arrived. */
  readonly waitedMs: number;
  readonly alignmentTimeoutMs: number;
  /** Of the frames before the barrier, over all channels; undefined while one of them lacks it. */
  readonly bytesBefore: number | undefined;
  readonly limitBytes: number;
}

export type OvertakingDecision =
  | { readonly kind: "overtake" }
  /** Decide again then, or when another barrier arrives. */
  | { readonly kind: "wait"; readonly forMs: number }
  /** Decide again when another barrier arrives. */
  | { readonly kind: "incomplete" };

/** Too much stands before the barrier: some of it will have been applied by then. */
const AGAIN_MS = 1_000;

export function decideOvertaking(facts: OvertakingFacts): OvertakingDecision {
  const { alignmentTimeoutMs, bytesBefore, limitBytes, waitedMs } = facts;
  if (waitedMs < alignmentTimeoutMs) return { kind: "wait", forMs: alignmentTimeoutMs - waitedMs };
  if (bytesBefore === undefined) return { kind: "incomplete" };
  if (bytesBefore > limitBytes) return { kind: "wait", forMs: AGAIN_MS };
  return { kind: "overtake" };
}

const LEAST_BYTES = 1024 * 1024;
const PART_FOR_IN_FLIGHT = 1 / 4;

/** The most bytes a barrier overtakes on the way to a partition, and the most on the way from it [31]. */
export function inFlightLimit(memory: Pick<MemoryPool, "share">): number {
  return Math.max(LEAST_BYTES, Math.floor(memory.share() * PART_FOR_IN_FLIGHT));
}
