/**
 * The messages of a Cloudflare Queue whose consumer is this Worker: text bodies are cut into lines,
 * others become JSON. A message is acknowledged once its lines are durable. Deliveries repeat; a message
 * delivered again within `deduplicateMs` of the first time is acknowledged and not counted again.
 *
 *     job("orders").from(queueMessages({ queue: "orders" })).lines()
 */
import { checkFeedName, checkInteger } from "./check-feed.ts";
import type { QueueMessages } from "./feed.ts";

export interface QueueMessagesOptions {
  /** Name of the queue, as in wrangler.toml. */
  readonly queue: string;
  /** How long ids of messages are remembered. Default: 24 hours. */
  readonly deduplicateMs?: number;
}

const DAY_MS = 86_400_000;

export function queueMessages(options: QueueMessagesOptions): QueueMessages {
  const { queue, deduplicateMs = DAY_MS } = options;
  checkInteger("deduplicateMs", deduplicateMs, { least: 60_000, most: 14 * DAY_MS });
  return { kind: "queueMessages", name: checkFeedName(`queue/${queue}`), queue, deduplicateMs };
}
