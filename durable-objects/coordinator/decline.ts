/**
 * A task says that it cannot take part in the pending checkpoint: given up at once, with the task's
 * reason, instead of waiting for the deadline. What belongs to an older attempt counts for nothing [3].
 */
import type { CheckpointDecline } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { failCheckpoint } from "./failure.ts";

export function decline(house: Coordination, declined: CheckpointDecline): void {
  const { rows, store } = house;
  const { attempt, checkpoint, generation, message, reason, task } = declined;
  store.step("decline", (record) => {
    if (generation !== record.generation || record.pending?.id !== checkpoint) return;
    if (rows.task(task).attempt !== attempt) return;
    const detail = `Partition ${task.vertex}/${task.index} declined it: ${message}`;
    failCheckpoint(house, record, { reason, detail });
  });
}
