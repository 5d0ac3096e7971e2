/** What a partition tells the coordinator when something threw: the error, and where in the log it may come from. */
import { toJsonText } from "../../dataflow/json-text.ts";
import { TaskFunctionFailure } from "../../dataflow/keyed/operator-task.ts";
import { describeError, failureMessage } from "../failure-message.ts";
import type { SourceFrame, TaskFailure, TaskId } from "../messages.ts";
import type { Attached } from "./attach.ts";

/** Characters of a key that are shown. */
const LONGEST_KEY = 200;

export function taskFailure(facts: {
  readonly job: string;
  readonly task: TaskId;
  readonly attached: Pick<Attached, "generation" | "attempt">;
  readonly error: unknown;
  /** The frame that was being applied, if one was. */
  readonly frame?: Pick<SourceFrame, "source" | "from" | "to">;
}): TaskFailure {
  const { job, task, attached, frame } = facts;
  const fence = { generation: attached.generation, attempt: attached.attempt };
  if (facts.error instanceof TaskFunctionFailure) {
    return { task, ...fence, ...functionFailure(job, facts.error, frame) };
  }
  const error = describeError(facts.error);
  const message = frame === undefined ? error.message : `${error.message} ${placeOf(frame)}`;
  return {
    task,
    ...fence,
    error: { ...error, message },
    ...(frame && { source: frame.source }),
  };
}

function functionFailure(
  job: string,
  { activity, operator, cause }: TaskFunctionFailure,
  frame: Pick<SourceFrame, "source" | "from" | "to"> | undefined,
): Omit<TaskFailure, "task" | "generation"> {
  const error = describeError(cause);
  const { doing, line } = activity;
  const place = {
    ...(frame !== undefined && line !== undefined && { source: frame.source, line }),
    ...(activity.key !== undefined && { key: toJsonText(activity.key).slice(0, LONGEST_KEY) }),
  };
  const message = failureMessage(error.message, {
    job,
    operator,
    ...(doing === "timer" && { doing: "in a timer" }),
    ...(doing === "result" && { doing: "at the result of a request" }),
    ...place,
  });
  // No line is to blame for a timer, but the frame that moved time says when in the log it fired.
  const moment = frame === undefined || line !== undefined ? "" : ` ${momentOf(frame)}`;
  return { error: { ...error, message: `${message}${moment}` }, ...place, operator };
}

/** Which of them it was is not known: no function of the job was running. */
function placeOf(frame: Pick<SourceFrame, "source" | "from" | "to">): string {
  return `The records came from ${linesOf(frame)}.`;
}

function momentOf(frame: Pick<SourceFrame, "source" | "from" | "to">): string {
  return `It was applying what came from ${linesOf(frame)}.`;
}

function linesOf({ source, from, to }: Pick<SourceFrame, "source" | "from" | "to">): string {
  const last = to.record > 0 ? to.line : to.line - 1;
  const lines = last > from.line ? `lines ${from.line} to ${last}` : `line ${from.line}`;
  return `${lines} of source ${source}`;
}
