/**
 * What a partition does when keyed vertices feed each other and memory is lost at one end [6, 24]:
 * tells the partitions that feed it that it has restored, and asks the coordinator for a rollback when
 * what a channel carried since the last checkpoint cannot be sent again.
 */
import type { Fence, TaskId } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import { delay } from "./signal.ts";

export interface RegionCall {
  readonly context: ObjectContext;
  readonly task: TaskId;
  /** Of this attempt; undefined when it is over. */
  readonly fence: () => Fence | undefined;
  readonly overtaken: (generation: number) => void;
  readonly countRequest: () => void;
}

const SHORTEST_RETRY_MS = 200;
/** Below the ten seconds after which a silent object loses its memory: or each call would wake it anew, for ever. */
const LONGEST_RETRY_MS = 5_000;

/** Asks until the coordinator has answered; this attempt is over then in any case. Does not reject. */
export async function requestRollback(call: RegionCall, reason: string): Promise<void> {
  const { context, task, countRequest } = call;
  for (let retryMs = SHORTEST_RETRY_MS; ; retryMs = longer(retryMs)) {
    const fence = call.fence();
    if (fence === undefined) return;
    countRequest();
    try {
      const request = { ...fence, task, reason };
      const { generation } = await context.peers.coordinator().requestRollback(request);
      if (call.fence() !== undefined) call.overtaken(generation);
      return;
    } catch {
      // A lost call; the one that counted raised the generation, and this one finds that out.
    }
    await delay(context, retryMs);
  }
}

/**
 * Tells `sender` that its channel must be opened anew, until `hasCaughtUp`: a sender that heard may
 * lose its memory before it has said so itself, and has no reason to open the channel then. Does not
 * reject.
 */
export async function rewindSender(
  call: RegionCall,
  sender: TaskId,
  hasCaughtUp: () => boolean,
): Promise<void> {
  const { context, task: receiver, countRequest } = call;
  for (let retryMs = SHORTEST_RETRY_MS; ; retryMs = longer(retryMs)) {
    const fence = call.fence();
    if (fence === undefined || hasCaughtUp()) return;
    countRequest();
    try {
      const answer = await context.peers
        .partition(sender)
        .rewindVertexChannel({ ...fence, receiver });
      if (call.fence() === undefined) return;
      if (answer.kind === "staleGeneration") return call.overtaken(answer.generation);
      if (answer.kind === "notReady") retryMs = Math.max(retryMs, answer.retryAfterMs);
    } catch {
      // Repeated below: nobody else asks the sender when it has nothing to say by itself.
    }
    await delay(context, retryMs);
  }
}

function longer(retryMs: number): number {
  return Math.min(retryMs * 2, LONGEST_RETRY_MS);
}
