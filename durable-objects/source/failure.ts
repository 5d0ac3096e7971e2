/** What a source tells the coordinator when its pump cannot go on. */
import type { TaskFailure } from "../messages.ts";
import { LineFailure } from "./batch.ts";

/** `failure`: what was thrown. The line is known when a function of the job threw it. */
export function taskFailure(failure: unknown, source: number, generation: number): TaskFailure {
  const cause = failure instanceof LineFailure ? failure.cause : failure;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  return {
    task: { source },
    generation,
    error: {
      name: error.name,
      message:
        failure instanceof LineFailure
          ? `${error.message} It happened at line ${failure.line} of source ${source}.`
          : error.message,
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    },
    source,
    ...(failure instanceof LineFailure ? { line: failure.line } : {}),
  };
}
