/**
 * Takes messages of queues into the log of one source: a delivery is one transaction of lines and ids,
 * so that what is delivered again is known by its id and counted once.
 */
import type { QueueMessages } from "../../../dataflow/feeds/feed.ts";
import { feedsOf } from "../../../dataflow/feeds/feed.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import type { Inputs } from "../../inputs.ts";
import { segmentsOfText } from "../../lines/segments-of-text.ts";
import type { AppendMessagesRequest, DeliveredMessage } from "../../messages.ts";
import type { ObjectContext } from "../../object-context.ts";
import type { Appender } from "../appender.ts";
import { MessageIds } from "./message-ids.ts";

export interface QueueFeedsOptions {
  readonly context: Pick<ObjectContext, "crashPoint" | "environment" | "sql">;
  readonly inputs: Pick<Inputs, "isUtf8">;
  readonly job: JobGraph;
  readonly appender: Pick<Appender, "appendFed">;
}

export type Taken =
  /** Lines added; the messages `refused` can never be lines and are not in. */
  | { readonly kind: "appended"; readonly added: number; readonly refused: readonly string[] }
  | { readonly kind: "full" };

export class QueueFeeds {
  readonly #options: QueueFeedsOptions;
  readonly #ids = new Map<string, MessageIds>();

  constructor(options: QueueFeedsOptions) {
    this.#options = options;
  }

  /** Throws when the job reads no queue of this name. */
  append({ messages, queue }: AppendMessagesRequest): Taken {
    const { appender, context } = this.#options;
    const feed = this.#feedOf(queue);
    const ids = this.#idsOf(queue);
    const fresh = ids.unknown(messages);
    const refused = fresh.filter(({ text }) => !this.#isText(text)).map(({ id }) => id);
    const taken = fresh.filter(({ id }) => !refused.includes(id));
    if (taken.length === 0) return { kind: "appended", added: 0, refused };
    const segments = segmentsOfText(joined(taken), this.#options.inputs.isUtf8);
    const now = context.environment.now();
    let committed = (): void => {};
    context.crashPoint("source: before append of messages");
    const outcome = appender.appendFed(segments, () => {
      const added = ids.add(taken, { now, forgetBefore: now - feed.deduplicateMs });
      committed = added.committed;
      return added.rows;
    });
    context.crashPoint("source: after append of messages");
    if (outcome === "full") return { kind: "full" };
    committed();
    return {
      kind: "appended",
      added: segments.reduce((sum, { lines }) => sum + lines, 0),
      refused,
    };
  }

  #isText(text: Uint8Array): boolean {
    try {
      segmentsOfText(text, this.#options.inputs.isUtf8);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #feedOf(queue: string): QueueMessages {
    const { job } = this.#options;
    const feed = feedsOf(job).find((one) => one.kind === "queueMessages" && one.queue === queue);
    if (feed?.kind === "queueMessages") return feed;
    throw new Error(`Job "${job.name}" reads no queue "${queue}": deploy Worker and job together.`);
  }

  #idsOf(queue: string): MessageIds {
    const known = this.#ids.get(queue);
    if (known !== undefined) return known;
    const created = new MessageIds(this.#options.context.sql, queue);
    this.#ids.set(queue, created);
    return created;
  }
}

/** Their texts, one after the other, each ended by a line end. */
function joined(messages: readonly DeliveredMessage[]): Uint8Array {
  const size = messages.reduce((sum, { text }) => sum + text.length + 1, 0);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const { text } of messages) {
    bytes.set(text, offset);
    bytes[offset + text.length] = 10;
    offset += text.length + 1;
  }
  return bytes;
}
