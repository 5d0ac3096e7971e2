/**
 * What the world can do to the engine, by kind. Our own bugs are assertions (assert.ts), never these.
 *
 * - unavailable: storage did not answer; the outcome of a write is unknown.
 * - missing: storage answered that the object of a table is gone.
 * - fenced: a newer owner exists; this one must stop.
 * - corruption: bytes that were read are not what was written.
 * - invalid: the caller asked for something that cannot be.
 * - closed: the engine was closed.
 */
export type StateEngineErrorKind =
  | "unavailable"
  | "missing"
  | "fenced"
  | "corruption"
  | "invalid"
  | "closed";

export class StateEngineError extends Error {
  override readonly name = "StateEngineError";
  readonly kind: StateEngineErrorKind;
  /** Of the object that is missing. */
  readonly path: string | undefined;

  constructor(
    kind: StateEngineErrorKind,
    message: string,
    options?: { readonly cause?: unknown; readonly path?: string },
  ) {
    super(message, options);
    this.kind = kind;
    this.path = options?.path;
  }
}
