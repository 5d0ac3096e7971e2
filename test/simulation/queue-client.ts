/**
 * A queue and its consumer, who acts as the Worker does: messages are delivered until they are
 * acknowledged, some of them again afterwards, in whatever company, and given up when they are refused.
 */
import type { AppendMessagesAnswer, DeliveredMessage } from "../../durable-objects/messages.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { QUEUE } from "./fed-input.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

const REFUSALS = 3;
const LARGEST_MESSAGE_LINES = 3;
const LARGEST_DELIVERY = 4;
/** Within the time for which ids are remembered. */
const LATEST_REPEAT_MS = 120_000;

export interface QueueOptions {
  readonly world: World;
  readonly source: number;
  readonly sources: number;
  /** No message overtakes another one but as a repeat. */
  readonly isOrdered: boolean;
  readonly random: SeededRandom;
}

interface Message extends DeliveredMessage {
  refusals: number;
}

export class QueueClient {
  readonly #options: QueueOptions;
  readonly #waiting: Message[] = [];
  readonly #acknowledged: DeliveredMessage[] = [];
  #sent = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Sends these lines; ends when every message is acknowledged, or given up. */
  async deliver(lines: readonly string[]): Promise<void> {
    this.#send(lines);
    const { isOrdered, random, world } = this.#options;
    const consumers = isOrdered ? 1 : random.between(1, 2);
    const consume = async (): Promise<void> => {
      while (this.#waiting.length > 0) {
        if (!(await this.#deliverOnce(this.#choose()))) await world.sleep(random.between(1, 5_000));
      }
    };
    await Promise.all(Array.from({ length: consumers }, consume));
  }

  /** Once more, what has been acknowledged long ago. */
  async repeat(): Promise<void> {
    const { random, world } = this.#options;
    await world.sleep(random.between(0, LATEST_REPEAT_MS));
    await this.#deliverOnce(this.#repeats(LARGEST_DELIVERY));
  }

  #send(lines: readonly string[]): void {
    const { random } = this.#options;
    for (let from = 0; from < lines.length;) {
      const to = Math.min(lines.length, from + random.between(1, LARGEST_MESSAGE_LINES));
      this.#add(new TextEncoder().encode(lines.slice(from, to).join("\n")));
      from = to;
    }
    if (random.chance(0.1)) this.#add(new Uint8Array([0xff, 10, 97]));
  }

  #add(text: Uint8Array): void {
    const { source } = this.#options;
    const id = `message-${source}-${this.#sent++}`;
    this.#waiting.push({ id, sentAt: this.#sentAt(), text, refusals: 0 });
  }

  /** The Worker sends what was sent within one second to one source: a second of this source. */
  #sentAt(): number {
    const { random, source, sources, world } = this.#options;
    const second = Math.floor(world.scheduler.now() / 1_000);
    const ours = second - ((((second - source) % sources) + sources) % sources);
    return ours * 1_000 + random.integer(1_000);
  }

  #choose(): readonly DeliveredMessage[] {
    const { isOrdered, random } = this.#options;
    const count = random.between(1, LARGEST_DELIVERY);
    const chosen = isOrdered
      ? this.#waiting.slice(0, count)
      : this.#waiting.filter(() => random.chance(0.5)).slice(0, count);
    const all = chosen.length === 0 ? this.#waiting.slice(0, 1) : chosen;
    return random.chance(0.2) ? [...this.#repeats(2), ...all, ...all.slice(0, 1)] : all;
  }

  #repeats(count: number): readonly DeliveredMessage[] {
    const { random } = this.#options;
    if (this.#acknowledged.length === 0) return [];
    return Array.from({ length: count }, () => random.pick(this.#acknowledged));
  }

  /** False when it is worth a pause. */
  async #deliverOnce(messages: readonly DeliveredMessage[]): Promise<boolean> {
    const { source, world } = this.#options;
    if (messages.length === 0) return true;
    const plain = messages.map(({ id, sentAt, text }) => ({ id, sentAt, text }));
    let answer: AppendMessagesAnswer;
    try {
      const queue = world.outside("queue").source(source);
      answer = await queue.appendMessages({ queue: QUEUE, messages: plain });
    } catch (error) {
      if (!isFaultOfTheWorld(error)) throw error;
      return false;
    }
    if (answer.kind !== "appended") return false;
    const refused = new Set(answer.refused);
    for (const message of new Set(messages)) this.#settle(message, refused.has(message.id));
    return refused.size === 0;
  }

  #settle(message: DeliveredMessage, isRefused: boolean): void {
    const place = this.#waiting.findIndex(({ id }) => id === message.id);
    const waiting = this.#waiting[place];
    if (waiting === undefined) return;
    if (isRefused && ++waiting.refusals < REFUSALS) return;
    this.#waiting.splice(place, 1);
    if (!isRefused) this.#acknowledged.push(message);
  }
}
