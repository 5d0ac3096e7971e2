/**
 * Results as messages of a Cloudflare Queue, one message a record, at least once and in no order, as
 * queues are. Each message is {"id","job","sink","checkpoint","index","value"}, with "key" before
 * "value" for the newest result of a key; a message sent again has the same id.
 */
import { checkBinding, checkSinkName } from "./check-options.ts";
import type { QueueDefinition } from "./sink-definition.ts";

export interface QueueOptions {
  /** Names the sink among the outputs of the job, and in every message's id. */
  readonly name: string;
  /** Binding of the queue's producer. */
  readonly binding: string;
}

/** Throws RangeError for a name that is not allowed. */
export function queue({ binding, name }: QueueOptions): QueueDefinition {
  checkSinkName(name);
  const target = { queue: checkBinding(name, "binding", binding) };
  return { kind: "queue", name, target, layout: {} };
}
