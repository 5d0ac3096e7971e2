/**
 * Opens the channels to receivers: asks each where it stands, again with a back-off while it is
 * restoring or cannot be reached, for as long as there is something to say.
 */
import type { ObjectContext } from "../object-context.ts";
import type { OpenVertexChannel, OpenVertexChannelAnswer } from "../vertex-messages.ts";
import type { Attached } from "./attach.ts";
import type { OutgoingChannel, OutgoingHost } from "./outgoing-channel.ts";

export interface SessionsOptions {
  readonly context: Pick<ObjectContext, "keepAlive" | "peers" | "setTimer">;
  readonly attached: Pick<Attached, "attempt" | "checkpoint" | "decided">;
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;

export class OutgoingSessions {
  readonly #host: OutgoingHost;
  readonly #options: SessionsOptions;
  readonly #channels: number;
  /** The newest attempt to open each channel: answers to older ones do not count. */
  readonly #opening = new Map<OutgoingChannel, object>();
  readonly #backoffMs = new Map<OutgoingChannel, number>();
  readonly #opened = new Set<OutgoingChannel>();
  readonly #allOpened = Promise.withResolvers<void>();
  #decided: number;
  #isClosed = false;

  constructor(host: OutgoingHost, options: SessionsOptions, channels: number) {
    this.#host = host;
    this.#options = options;
    this.#channels = channels;
    this.#decided = options.attached.decided;
    if (channels === 0) this.#allOpened.resolve();
  }

  /** Resolves when each channel was open once, or at close. */
  get allOpened(): Promise<void> {
    return this.#allOpened.promise;
  }

  /** Checkpoints up to this one are completed or given up. */
  decide(checkpoint: number): void {
    this.#decided = Math.max(this.#decided, checkpoint);
  }

  /** Opens the channel unless that is under way; undefined: after a back-off. */
  want(channel: OutgoingChannel, delayMs: number | undefined): void {
    if (this.#isClosed || this.#opening.has(channel)) return;
    if (delayMs === 0) return this.open(channel);
    const backoffMs = this.#backoffMs.get(channel) ?? FIRST_BACKOFF_MS;
    if (delayMs === undefined) {
      this.#backoffMs.set(channel, Math.min(backoffMs * 2, LONGEST_BACKOFF_MS));
    }
    const token = {};
    this.#opening.set(channel, token);
    this.#options.context.setTimer(delayMs ?? backoffMs, () => {
      if (this.#opening.get(channel) === token) this.open(channel);
    });
  }

  /** Asks now, whatever is under way. */
  open(channel: OutgoingChannel): void {
    if (this.#isClosed) return;
    channel.close();
    const token = {};
    this.#opening.set(channel, token);
    this.#options.context.keepAlive(this.#ask(channel, token));
  }

  close(): void {
    this.#isClosed = true;
    this.#opening.clear();
    this.#allOpened.resolve();
  }

  async #ask(channel: OutgoingChannel, token: object): Promise<void> {
    this.#host.countRequest();
    const { attached, context } = this.#options;
    const partition = context.peers.partition(channel.receiver);
    const request: OpenVertexChannel = {
      generation: this.#host.generation,
      sender: this.#host.sender,
      senderAttempt: attached.attempt,
      restored: attached.checkpoint,
      decided: this.#decided,
    };
    let answer: OpenVertexChannelAnswer | undefined;
    try {
      answer = await partition.openVertexChannel(request);
    } catch {
      // The receiver cannot be reached: asked again after the back-off.
    }
    if (this.#opening.get(channel) !== token) return;
    this.#opening.delete(channel);
    if (answer === undefined) return this.want(channel, undefined);
    if (answer.kind === "notReady") return this.want(channel, answer.retryAfterMs);
    if (answer.kind === "staleGeneration") return this.#host.overtaken(answer.generation);
    this.#backoffMs.delete(channel);
    channel.position(partition, answer.channel);
    this.#opened.add(channel);
    if (this.#opened.size === this.#channels) this.#allOpened.resolve();
    this.#host.progressed(channel);
  }
}
