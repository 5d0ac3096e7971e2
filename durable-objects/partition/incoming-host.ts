/** What the receiving ends of channels need of the partition they belong to, whoever sends. */
import type { Barrier, ChannelAnswer, ChannelFence, SourceFrame } from "../messages.ts";
import type { Attached } from "./attach.ts";
import type { BarrierOutcome } from "./checkpoint.ts";
import type { TimedFrame } from "./vertex-task.ts";

export interface QueuedFrame {
  /** Name of the channel it came over. */
  readonly channel: string;
  readonly frame: TimedFrame;
  /** Where its records come from, when that is a log. */
  readonly source?: SourceFrame;
  /** Called in its turn, when everything in it is applied. */
  readonly applied: () => void;
  readonly answer: (answer: Answered) => void;
}

export interface QueuedBarrier extends Pick<
  Barrier,
  "alignmentTimeoutMs" | "base" | "checkpoint" | "mode" | "watermark"
> {
  readonly channel: string;
  /** The sender does not hold event time back [28]. */
  readonly isIdle?: boolean;
}

export type Answered = Extract<ChannelAnswer, { kind: "done" | "notReady" }>;

export interface IncomingHost {
  readonly attached: Attached;
  readonly creditBytes: number;
  queueFrame(queued: Omit<QueuedFrame, "answer">): Promise<Answered>;
  /** Queues a barrier and answers its outcome; undefined when the checkpoint is given up already. */
  queueBarrier(barrier: QueuedBarrier): Promise<BarrierOutcome> | undefined;
  /** The outcome of a checkpoint under way, whose barrier is known. */
  outcomeOf(checkpoint: number): Promise<BarrierOutcome> | undefined;
  /** Whether the checkpoint was aligned, aborted or overtaken. */
  isDecided(checkpoint: number): boolean;
  /** What a barrier or an opening says of other checkpoints: completed, given up. */
  learn(known: { readonly completed?: number; readonly decided: number }): void;
  /** Something may have been caught up with. */
  progressed(): void;
  rollback(reason: string): void;
}

/** After losing its memory a partition is usually back within one call to the coordinator. */
export const LOST_ANSWER: Answered = { kind: "notReady", retryAfterMs: 50 };
/** To a call of an older attempt or session: its sender does not know where the channel stands. */
export const OPEN_ANEW: Answered = { kind: "notReady", retryAfterMs: 0 };

/** Whether a call is of this attempt, and of the newest opening of its channel. */
export function isOurs(
  { generation, attempt, session }: ChannelFence,
  own: Pick<Attached, "attempt" | "generation">,
  channel: { readonly session: number },
): boolean {
  const isAttempt = generation === own.generation && attempt === own.attempt;
  return isAttempt && session === channel.session;
}
