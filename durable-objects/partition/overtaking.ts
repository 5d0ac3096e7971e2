/**
 * Lets barriers that have waited long enough overtake the frames before them, on the way into this
 * partition and out of it. The decision is decide-overtaking.ts; here are the clock and the moments.
 *
 * Promise: a barrier overtakes only between two turns of the apply loop, and only while its checkpoint
 * is neither aligned nor given up. Without an alignment timeout in the barrier nothing happens here.
 */
import type { ApplyLoop } from "../../dataflow/keyed/apply-loop.ts";
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import { decideOvertaking, inFlightLimit } from "./decide-overtaking.ts";
import type { QueuedBarrier, QueuedFrame } from "./incoming-host.ts";
import type { OutgoingBarrier } from "./outgoing-channel.ts";
import type { OutgoingVertices } from "./outgoing-vertices.ts";

export interface OvertakingOptions {
  readonly context: Pick<ObjectContext, "environment" | "setTimer">;
  readonly loop: Pick<
    ApplyLoop<QueuedFrame, QueuedBarrier>,
    "before" | "isDecided" | "overtake" | "whenFree"
  >;
  readonly outgoing: Pick<OutgoingVertices, "barrier" | "overtake">;
}

interface Waiting {
  readonly checkpoint: number;
  readonly since: number;
  readonly alignmentTimeoutMs: number;
}

export class Overtaking {
  readonly #options: OvertakingOptions;
  #waiting: Waiting | undefined;
  #timer: Timer | undefined;
  #isAsked = false;

  constructor(options: OvertakingOptions) {
    this.#options = options;
  }

  /** A barrier has come; it is about to be queued. */
  arrived({ alignmentTimeoutMs, checkpoint }: QueuedBarrier): void {
    if (alignmentTimeoutMs === undefined) return;
    const known = this.#waiting?.checkpoint === checkpoint ? this.#waiting : undefined;
    this.#waiting = {
      checkpoint,
      since: known?.since ?? this.#options.context.environment.now(),
      alignmentTimeoutMs: Math.min(known?.alignmentTimeoutMs ?? Infinity, alignmentTimeoutMs),
    };
  }

  /** A barrier was queued, and may wait. */
  consider(): void {
    if (this.#waiting === undefined || this.#isAsked) return;
    this.#isAsked = true;
    this.#options.loop.whenFree(() => {
      this.#isAsked = false;
      this.#decide();
    });
  }

  /**
   * The state of `barrier`'s checkpoint was taken: passes the barrier on. `hasOvertaken`: at once, as it
   * came. Answers what it overtakes on the way out as soon as that is known; undefined: nothing.
   */
  passOn(
    barrier: OutgoingBarrier,
    hasOvertaken: boolean,
  ): Promise<readonly InFlightFrame[]> | undefined {
    const { environment } = this.#options.context;
    const { base, checkpoint, mode } = barrier;
    const plain = { base, checkpoint, mode };
    const waiting = this.#waiting?.checkpoint === checkpoint ? this.#waiting : undefined;
    this.stop();
    if (waiting === undefined) return this.#options.outgoing.barrier(plain);
    const leftMs = waiting.since + waiting.alignmentTimeoutMs - environment.now();
    const isNow = hasOvertaken || leftMs <= 0;
    const alignmentTimeoutMs = isNow ? 0 : waiting.alignmentTimeoutMs;
    const late = this.#options.outgoing.barrier({ ...plain, alignmentTimeoutMs });
    if (late === undefined) return undefined;
    const limitBytes = inFlightLimit(environment.memory);
    const overtake = (): void => this.#options.outgoing.overtake(checkpoint, limitBytes);
    if (isNow) overtake();
    else this.#timer = this.#options.context.setTimer(leftMs, overtake);
    return late;
  }

  /** Nothing waits any more. */
  stop(): void {
    this.#waiting = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #decide(): void {
    const { context, loop } = this.#options;
    const waiting = this.#waiting;
    if (waiting === undefined || loop.isDecided(waiting.checkpoint)) return;
    const { checkpoint, since, alignmentTimeoutMs } = waiting;
    const before = loop.before(checkpoint);
    const decision = decideOvertaking({
      waitedMs: context.environment.now() - since,
      alignmentTimeoutMs,
      bytesBefore: before && sizeOf(before.flatMap(({ frames }) => frames)),
      limitBytes: inFlightLimit(context.environment.memory),
    });
    if (decision.kind === "overtake") return loop.overtake(checkpoint);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (decision.kind === "wait") {
      this.#timer = context.setTimer(decision.forMs, () => this.consider());
    }
  }
}

function sizeOf(frames: readonly QueuedFrame[]): number {
  return frames.reduce((sum, { frame }) => sum + frame.bytes.length, 0);
}
