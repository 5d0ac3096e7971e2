/**
 * The Worker's queue consumer: a batch goes to the jobs that read the queue, and a message is
 * acknowledged once its lines are durable in each of them; any other is delivered again later.
 *
 * Messages sent in the same second go to one source of a job, so that a repeat meets the source that
 * knows it, and a batch few sources.
 */
import { feedsOf } from "../../dataflow/feeds/feed.ts";
import type { AppendMessagesAnswer, DeliveredMessage } from "../../durable-objects/messages.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { lineOf } from "../../durable-objects/lines/segments-of-text.ts";
import { createPeers } from "../../durable-objects/platform/peers.ts";
import type { ReachableJob } from "../http/routing.ts";

/** What is used of a MessageBatch. */
export interface QueueBatch {
  readonly queue: string;
  readonly messages: readonly BatchMessage[];
}

export interface BatchMessage {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  /** Deliveries, this one included. */
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

type Verdict = { readonly kind: "in" } | { readonly kind: "later"; readonly delaySeconds: number };

const unreachableDelaySeconds = 5;
const refusedDelaySeconds = 60;
const longestDelaySeconds = 3_600;

/** Throws when no job reads the queue: the whole batch is delivered again. */
export async function consumeQueue(
  jobs: JobRegistry,
  batch: QueueBatch,
  bindings: WeirBindings,
): Promise<void> {
  const readers = jobs.names
    .map((name) => ({ graph: jobs.get(name, bindings), peers: createPeers(bindings, name) }))
    .filter(({ graph }) =>
      feedsOf(graph).some((feed) => feed.kind === "queueMessages" && feed.queue === batch.queue),
    );
  if (readers.length === 0) {
    throw new Error(
      `No job of this Worker reads the queue "${batch.queue}": write ` +
        `.from(queueMessages({ queue: "${batch.queue}" })) in one, or take the consumer out of wrangler.toml.`,
    );
  }
  const delays = new Map<string, number>();
  const calls = readers.flatMap((job) =>
    [...bySource(batch.messages, job.graph.options.sources)].map(async ([source, messages]) => {
      const verdicts = await deliver(job, batch.queue, source, messages);
      for (const [id, verdict] of verdicts) {
        if (verdict.kind === "in") continue;
        delays.set(id, Math.max(delays.get(id) ?? 0, verdict.delaySeconds));
      }
    }),
  );
  await Promise.all(calls);
  for (const message of batch.messages) {
    const delaySeconds = delays.get(message.id);
    if (delaySeconds === undefined) message.ack();
    else message.retry({ delaySeconds: delayAt(message.attempts, delaySeconds) });
  }
}

/**
 * Pure: doubled with each delivery, up to an hour, so that the 100 deliveries a queue has to give last as
 * long as it keeps messages.
 */
export function delayAt(attempts: number, firstDelaySeconds: number): number {
  const doublings = Math.min(attempts - 1, 30);
  return Math.min(longestDelaySeconds, firstDelaySeconds * 2 ** doublings);
}

/** Pure: by the second in which a message was sent. */
export function bySource(
  messages: readonly BatchMessage[],
  sources: number,
): ReadonlyMap<number, readonly BatchMessage[]> {
  return Map.groupBy(
    messages,
    ({ timestamp }) => Math.floor(timestamp.getTime() / 1_000) % sources,
  );
}

async function deliver(
  { peers }: Pick<ReachableJob, "peers">,
  queue: string,
  source: number,
  messages: readonly BatchMessage[],
): Promise<readonly (readonly [string, Verdict])[]> {
  let answer: AppendMessagesAnswer;
  try {
    const request = { queue, messages: messages.map(delivered) };
    answer = await peers.source(source).appendMessages(request);
  } catch {
    // Nobody knows whether they are in: the next delivery finds out.
    const verdict = { kind: "later", delaySeconds: unreachableDelaySeconds } as const;
    return messages.map(({ id }) => [id, verdict]);
  }
  if (answer.kind !== "appended") {
    const verdict = { kind: "later", delaySeconds: answer.retryAfterSeconds } as const;
    return messages.map(({ id }) => [id, verdict]);
  }
  const refused = new Set(answer.refused);
  if (refused.size > 0) {
    // oxlint-disable-next-line no-console
    console.error(
      `Messages ${[...refused].join(", ")} of queue "${queue}" are no UTF-8 text and are not taken. ` +
        `After their last delivery they are in the dead-letter queue, when it has one.`,
    );
  }
  return messages.map(({ id }) => [
    id,
    refused.has(id) ? { kind: "later", delaySeconds: refusedDelaySeconds } : { kind: "in" },
  ]);
}

function delivered({ body, id, timestamp }: BatchMessage): DeliveredMessage {
  return { id, sentAt: timestamp.getTime(), text: textOf(body) };
}

function textOf(body: unknown): Uint8Array {
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  }
  const text = typeof body === "object" && body !== null ? lineOf(body) : String(body);
  return new TextEncoder().encode(text);
}
