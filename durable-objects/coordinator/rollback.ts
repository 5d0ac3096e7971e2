/**
 * A task asks for all of them to go back to the latest completed checkpoint together: what a channel
 * between keyed vertices carried since then is lost with the memory of one of its ends [6].
 *
 * Promise: only the present attempt of a task of the present generation raises a new one, so tasks that
 * wake one by one do not undo each other [24]; rollbacks in a row without a completed checkpoint count
 * as a failure like losing memory again and again does [32].
 */
import type { RollbackAnswer, RollbackRequest } from "../vertex-messages.ts";
import { attachLimit, attachesForCheckpoint } from "./attach.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { handleFailure } from "./failure.ts";
import { raiseGeneration } from "./generation.ts";

export function rollBack(house: Coordination, request: RollbackRequest): RollbackAnswer {
  const { context, rows, store } = house;
  const { attempt, generation, reason, task } = request;
  return store.step("roll back", (record): RollbackAnswer => {
    const row = rows.task(task);
    const isPresent = row.generation === record.generation && row.attempt === attempt;
    if (generation !== record.generation || !isPresent || record.status !== "RUNNING") {
      return { generation: record.generation };
    }
    const rollbacks = (record.rollbacks ?? 0) + 1;
    if (rollbacks > attachLimit) {
      record.rollbacks = 0;
      handleFailure(house, record, {
        task,
        error: {
          name: "CrashLoop",
          message: `The job went back ${rollbacks} times without a completed checkpoint. ${reason}`,
        },
      });
      return { generation: record.generation };
    }
    record.rollbacks = rollbacks;
    raiseGeneration(house, record, "RUNNING", reason);
    if (rollbacks >= attachesForCheckpoint) {
      record.isForced = true;
      makeDue(record.due, "checkpoint", context.environment.now());
    }
    return { generation: record.generation };
  });
}
