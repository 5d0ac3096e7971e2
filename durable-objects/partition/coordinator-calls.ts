/** What a partition says to the coordinator of a checkpoint it took part in. */
import { StateEngineError } from "../../state-engine/index.ts";
import type { AcknowledgeAnswer, Acknowledgement, CheckpointDecline } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { OperationCounter } from "./operation-counter.ts";
import { delay } from "./signal.ts";

interface Caller {
  readonly context: ObjectContext;
  readonly counter: Pick<OperationCounter, "requests">;
}

const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Asked until it is answered: a lost answer must not be taken for a refusal. Undefined when the attempt is over. */
export async function acknowledgeCheckpoint(
  { context, counter }: Caller,
  acknowledgement: Acknowledgement,
  isOver: () => boolean,
): Promise<AcknowledgeAnswer | undefined> {
  for (let retryMs = SHORTEST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
    if (isOver()) return undefined;
    counter.requests += 1;
    context.crashPoint("partition: before acknowledge");
    try {
      const answer = await context.peers.coordinator().acknowledge(acknowledgement);
      context.crashPoint("partition: after acknowledge");
      return answer;
    } catch {
      // Outcome unknown: the coordinator answers a repeated acknowledgement as the first one.
    }
    await delay(context, retryMs);
  }
}

/** Said once: when the call is lost, the checkpoint ends at its deadline. Does not reject. */
export async function declineCheckpoint(
  { context, counter }: Caller,
  declined: Pick<CheckpointDecline, "attempt" | "checkpoint" | "generation" | "task">,
  error: unknown,
): Promise<void> {
  const reason = error instanceof StateEngineError ? "IO_EXCEPTION" : "CHECKPOINT_ASYNC_EXCEPTION";
  const message = error instanceof Error ? error.message : String(error);
  counter.requests += 1;
  try {
    await context.peers.coordinator().declineCheckpoint({ ...declined, reason, message });
  } catch {
    // A lost call: the same happens, only later.
  }
}
