/** What a source tells the coordinator when its pump cannot go on. */
import { OperatorFailure } from "../../dataflow/operator-failure.ts";
import { describeError, failureMessage } from "../failure-message.ts";
import type { TaskFailure } from "../messages.ts";
import { LineFailure } from "./batch.ts";
import { FeedFailure } from "./feeds/feed-reader.ts";

/** `failure`: what was thrown. The line is known when a function of the job threw it. */
export function taskFailure(
  failure: unknown,
  {
    job,
    source,
    generation,
  }: { readonly job: string; readonly source: number; readonly generation: number },
): TaskFailure {
  if (!(failure instanceof LineFailure)) {
    const isFinal = failure instanceof FeedFailure;
    const error = describeError(failure);
    return { task: { source }, generation, error, source, ...(isFinal && { isFinal }) };
  }
  const { cause, line } = failure;
  const operator = cause instanceof OperatorFailure ? cause.operator : undefined;
  const error = describeError(cause instanceof OperatorFailure ? cause.cause : cause);
  const message = failureMessage(error.message, { job, operator, source, line });
  return {
    task: { source },
    generation,
    error: { ...error, message },
    source,
    line,
    ...(operator !== undefined && { operator }),
  };
}
