/**
 * The receiving end of the channels from the log: openings, frames and barriers of sources, up to the
 * queue of the apply loop.
 *
 * Promise: synchronous up to the queue, so that order is kept [8]; a frame or barrier is taken only at
 * the point where its channel stands [1, 2].
 */
import type {
  Barrier,
  ChannelAnswer,
  ChannelState,
  Fence,
  SourceFrame,
  SourceState,
  TaskId,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import { isOurs, LOST_ANSWER, OPEN_ANEW, type IncomingHost } from "./incoming-host.ts";
import { rewindSource } from "./rewind.ts";
import { SourceChannel } from "./source-channel.ts";

/** How sources are told that this attempt has restored. */
export interface SourceRewind {
  readonly context: ObjectContext;
  readonly task: TaskId;
  readonly fence: () => Fence | undefined;
  readonly overtaken: (generation: number) => void;
  readonly countRequest: () => void;
}

export class IncomingSources {
  readonly channels: readonly SourceChannel[];
  readonly #host: IncomingHost;

  constructor(sources: readonly SourceState[], host: IncomingHost) {
    this.channels = sources.map((source) => new SourceChannel(source, host.attached.checkpoint));
    this.#host = host;
  }

  /** Of all channels, in their order. */
  get names(): readonly string[] {
    return this.channels.map(({ source }) => String(source));
  }

  get hasCaughtUp(): boolean {
    return this.channels.every((channel) => channel.hasCaughtUp);
  }

  /** Tells every source to open its channel anew. */
  rewind(call: SourceRewind): void {
    for (const channel of this.channels) {
      const rewound = (furthest: NonNullable<SourceChannel["furthest"]>): void => {
        channel.furthest = furthest;
        this.#host.progressed();
      };
      call.context.keepAlive(rewindSource({ ...call, source: channel.source, rewound }));
    }
  }

  /** Begins a new session: what was sent over an earlier one is refused from now on [1]. */
  open(source: number): ChannelState {
    const channel = this.#channelOf(source);
    channel.session += 1;
    return this.#stateOf(channel);
  }

  /** Queues the frame if it is the next one of its channel. */
  frame(frame: SourceFrame): ChannelAnswer | Promise<ChannelAnswer> {
    const channel = this.#channelOf(frame.source);
    if (!isOurs(frame, this.#host.attached, channel)) return OPEN_ANEW;
    const verdict = channel.judgeFrame(frame);
    if (verdict === "known") return this.#done();
    if (verdict === "apart" || this.#lacksBarrier(channel, frame)) return this.#reposition(channel);
    channel.queuedTo = frame.to;
    return this.#host.queueFrame({
      channel: String(frame.source),
      frame,
      source: frame,
      applied: () => void (channel.position = frame.to),
    });
  }

  async barrier(barrier: Barrier): Promise<ChannelAnswer> {
    const channel = this.#channelOf(barrier.source);
    if (!isOurs(barrier, this.#host.attached, channel)) return OPEN_ANEW;
    const { checkpoint, base } = barrier;
    // It was triggered, so its base is completed and everything in between is given up [7].
    this.#host.learn({ completed: base, decided: checkpoint - 1 });
    const verdict = this.#host.isDecided(checkpoint) ? "known" : channel.judgeBarrier(barrier);
    if (verdict === "apart") return this.#reposition(channel);
    let outcome = this.#host.outcomeOf(checkpoint);
    if (verdict === "next") {
      channel.lastBarrier = checkpoint;
      outcome = this.#host.queueBarrier({ ...barrier, channel: String(barrier.source) });
    }
    return (await outcome) === "lost" ? LOST_ANSWER : this.#done();
  }

  /** The call with the barrier before this frame was lost: without it the frame would be on the wrong side [2]. */
  #lacksBarrier(channel: SourceChannel, { afterBarrier }: SourceFrame): boolean {
    if (afterBarrier === undefined || afterBarrier <= channel.lastBarrier) return false;
    return !this.#host.isDecided(afterBarrier);
  }

  #channelOf(source: number): SourceChannel {
    const channel = this.channels.find((one) => one.source === source);
    if (channel !== undefined) return channel;
    throw new Error(
      `Source ${source} sent to a partition with ${this.channels.length} source channels: the number ` +
        `of sources is fixed while a job has state, and only vertices before others are fed by them.`,
    );
  }

  #stateOf(channel: SourceChannel): ChannelState {
    const { attached, creditBytes } = this.#host;
    return {
      generation: attached.generation,
      attempt: attached.attempt,
      session: channel.session,
      position: channel.queuedTo,
      lastBarrier: channel.lastBarrier,
      creditBytes,
    };
  }

  #done(): ChannelAnswer {
    return { kind: "done", creditBytes: this.#host.creditBytes };
  }

  #reposition(channel: SourceChannel): ChannelAnswer {
    return { kind: "reposition", channel: this.#stateOf(channel) };
  }
}
