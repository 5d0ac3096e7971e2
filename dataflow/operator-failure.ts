/**
 * Says which operator a user function belongs to that threw. The error itself is the cause; where in
 * the log it happened, and for which key, is added by whoever runs the operator.
 */
export class OperatorFailure extends Error {
  override readonly name = "OperatorFailure";
  /** As in `flatMap "splitWords"`. */
  readonly operator: string;

  constructor(operator: string, cause: unknown) {
    super(`${messageOf(cause)} The ${operator} failed.`, { cause });
    this.operator = operator;
  }

  /** `error` as the failure of `operator`, unless it is known to be another one's. */
  static of(operator: string, error: unknown): OperatorFailure {
    return error instanceof OperatorFailure ? error : new OperatorFailure(operator, error);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The kind of an operator and the name of its function, if it has one of its own. */
export function operatorLabel(kind: string, apply: { readonly name: string }): string {
  return apply.name === "" || apply.name === "apply" ? kind : `${kind} "${apply.name}"`;
}
