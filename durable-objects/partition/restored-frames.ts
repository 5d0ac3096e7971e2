/**
 * The frames that a restored checkpoint holds on their way into this partition: they go first, each in
 * its channel and before whatever comes on any other, and until all are applied the partition has not caught up [20].
 */
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { ApplyLoop } from "../../dataflow/keyed/apply-loop.ts";
import type { QueuedBarrier, QueuedFrame } from "./incoming-host.ts";

export class RestoredFrames {
  readonly #frames: readonly InFlightFrame[];
  #left: number;

  constructor(frames: readonly InFlightFrame[]) {
    this.#frames = frames.filter(({ direction }) => direction === "in");
    this.#left = this.#frames.length;
  }

  get areApplied(): boolean {
    return this.#left === 0;
  }

  /** `channels`: names by number. Throws when a channel does not exist any more. */
  push(
    loop: Pick<ApplyLoop<QueuedFrame, QueuedBarrier>, "pushRestoredFrame">,
    channels: readonly string[],
    isOver: () => boolean,
  ): void {
    for (const frame of this.#frames) {
      // Applying the one before may have failed, and ended the attempt.
      if (isOver()) return;
      const { channel } = frame;
      const number = channels.indexOf(channel);
      if (number < 0) {
        throw new Error(
          `The checkpoint holds frames of ${channel}, which does not feed this partition: ` +
            `the job graph has changed. Start from an aligned checkpoint.`,
        );
      }
      const applied = (): void => void (this.#left -= 1);
      loop.pushRestoredFrame(number, { channel, frame, applied, answer: () => undefined });
    }
  }
}
