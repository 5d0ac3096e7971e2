/** What a partition tells the coordinator when something threw: the error, and where in the log it may come from. */
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
  const error = facts.error instanceof Error ? facts.error : new Error(String(facts.error));
  return {
    task,
    generation: attached.generation,
    attempt: attached.attempt,
    error: {
      name: error.name,
      message: frame === undefined ? error.message : `${error.message} ${placeOf(frame)}`,
      ...(error.stack !== undefined && { stack: error.stack }),
    },
    ...(frame && { source: frame.source, line: frame.from.line }),
  };
}

function placeOf({ source, from, to }: Pick<SourceFrame, "source" | "from" | "to">): string {
  const last = to.record > 0 ? to.line : to.line - 1;
  return `The records came from lines ${from.line} to ${last} of source ${source}.`;
}
