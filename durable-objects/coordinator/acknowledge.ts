/**
 * Acknowledgements are written before they are answered [22]; one that does not count still hands its
 * objects over [37]. One that no row can hold ends its checkpoint with that reason: sent again, it would be as large.
 */
import type { AcknowledgeAnswer, Acknowledgement } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { decideAcknowledgement, listedObjects } from "./decide-acknowledgement.ts";
import { makeDue } from "./due-list.ts";
import { failCheckpoint } from "./failure.ts";
import { addOperations, taskName } from "./job-record.ts";
import { namedObjects } from "./output-segments.ts";
import { finishIfAllIn } from "./trigger.ts";

export function acknowledge(
  house: Coordination,
  acknowledgement: Acknowledgement,
): AcknowledgeAnswer {
  const { context, registry, rows, store } = house;
  const { checkpoint, metrics, task } = acknowledgement;
  const answer = store.step("acknowledge", (record): AcknowledgeAnswer => {
    const now = context.environment.now();
    const known = registry.lookUp(listedObjects(acknowledgement));
    const decision = decideAcknowledgement(acknowledgement, {
      generation: record.generation,
      attempt: rows.task(task).attempt,
      ...(record.pending !== undefined && { pending: record.pending }),
      alreadyWritten: rows.acknowledged(checkpoint).has(taskName(task)),
      completed: record.completed,
      liveObjects: known.live,
      deadObjects: known.dead,
    });
    const handOver = (dead: boolean): void => {
      const objects = namedObjects(acknowledgement);
      registry.registerLost(objects, checkpoint, dead);
      addOperations(record.operations, metrics.operations);
      if (dead && objects.length > 0) makeDue(record.due, "sweep", now);
    };
    if (decision.kind === "accepted") {
      const problem = decision.write ? rows.writeAcknowledgement(acknowledgement, now) : undefined;
      if (problem === undefined) {
        finishIfAllIn(house, record);
        return { kind: "accepted" };
      }
      handOver(false);
      failCheckpoint(house, record, { reason: "FINALIZE_CHECKPOINT_FAILURE", detail: problem });
      return { kind: "refused" };
    }
    handOver(decision.kind === "restore");
    return { kind: decision.kind };
  });
  if (store.record.due.finish !== undefined) house.kick("finish");
  return answer;
}
