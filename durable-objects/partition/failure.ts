/** What a partition tells the coordinator when something threw: the error, and where in the log it may come from. */
import { RecordFailure } from "../../dataflow/keyed/operator-task.ts";
import type { SourceFrame, TaskFailure, TaskId } from "../messages.ts";
import type { Attached } from "./attach.ts";

export function taskFailure(facts: {
  readonly task: TaskId;
  readonly attached: Pick<Attached, "generation" | "attempt">;
  readonly error: unknown;
  /** The frame that was being applied, if one was. */
  readonly frame?: Pick<SourceFrame, "source" | "from" | "to">;
}): TaskFailure {
  const { task, attached, frame } = facts;
  const known = facts.error instanceof RecordFailure ? facts.error : undefined;
  const thrown = known === undefined ? facts.error : known.cause;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    task,
    generation: attached.generation,
    attempt: attached.attempt,
    error: {
      name: error.name,
      message: [error.message, known?.message, frame && placeOf(frame, known?.line)]
        .filter((sentence) => sentence !== undefined)
        .join(" "),
      ...(error.stack !== undefined && { stack: error.stack }),
    },
    ...(frame && { source: frame.source, line: known?.line ?? frame.from.line }),
  };
}

function placeOf(
  { source, from, to }: Pick<SourceFrame, "source" | "from" | "to">,
  line: number | undefined,
): string {
  if (line !== undefined) return `It came from source ${source}.`;
  const last = to.record > 0 ? to.line : to.line - 1;
  return `The records came from lines ${from.line} to ${last} of source ${source}.`;
}
