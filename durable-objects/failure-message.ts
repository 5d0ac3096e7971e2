/** One sentence about where a job failed, added to the error of the user's function. */

export interface FailurePlace {
  readonly job: string;
  /** As in `process "checks"`; undefined when it is not known. */
  readonly operator: string | undefined;
  /** What the operator was doing, when that was not a record of a known line: "in a timer". */
  readonly doing?: string;
  readonly source?: number;
  readonly line?: number;
  /** As JSON. */
  readonly key?: string;
}

export function failureMessage(message: string, place: FailurePlace): string {
  const { job, operator, doing, source, line, key } = place;
  const who = operator === undefined ? `Job "${job}"` : `The ${operator} of job "${job}"`;
  const where = [
    doing ?? "",
    line === undefined ? "" : `at line ${line} of source ${source}`,
    key === undefined ? "" : `with the key ${key}`,
  ].filter((part) => part !== "");
  return `${message} ${who} failed${where.map((part) => ` ${part}`).join("")}.`;
}

/** What was thrown as name, message and stack, whatever it was. */
export function describeError(thrown: unknown): {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
} {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack } = error;
  return { name, message, ...(stack !== undefined && { stack }) };
}
