/**
 * Acknowledgements are written before they are answered [22]; one that does not count still hands its
 * objects over [37].
 */
import type { AcknowledgeAnswer, Acknowledgement } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { decideAcknowledgement, listedObjects } from "./decide-acknowledgement.ts";
import { makeDue } from "./due-list.ts";
import { addOperations, taskName } from "./job-record.ts";
import { finishIfAllIn } from "./trigger.ts";

export function acknowledge(
  house: Coordination,
  acknowledgement: Acknowledgement,
): AcknowledgeAnswer {
  const { context, registry, rows, store } = house;
  const { checkpoint, metrics, output, task, uploads } = acknowledgement;
  if (output.length > 0) {
    throw new Error(
      `Partition ${task.vertex}/${task.index} acknowledged output, and no vertex of job ${house.job.name} has a sink.`,
    );
  }
  const answer = store.step("acknowledge", (record): AcknowledgeAnswer => {
    const now = context.environment.now();
    const objects = registry.lookUp(listedObjects(acknowledgement));
    const decision = decideAcknowledgement(acknowledgement, {
      generation: record.generation,
      attempt: rows.task(task).attempt,
      ...(record.pending !== undefined && { pending: record.pending }),
      alreadyWritten: rows.acknowledged(checkpoint).has(taskName(task)),
      completed: record.completed,
      liveObjects: objects.live,
      deadObjects: objects.dead,
    });
    if (decision.kind === "accepted") {
      if (decision.write) rows.writeAcknowledgement(acknowledgement, now);
      finishIfAllIn(house, record);
      return { kind: "accepted" };
    }
    const dead = decision.kind === "restore" || decision.dead;
    registry.registerLost(uploads, checkpoint, dead);
    addOperations(record.operations, metrics.operations);
    if (dead && uploads.length > 0) makeDue(record.due, "sweep", now);
    return { kind: decision.kind };
  });
  if (store.record.due.finish !== undefined) house.kick("finish");
  return answer;
}
