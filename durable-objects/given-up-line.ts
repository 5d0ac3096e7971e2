/** What the coordinator tells a source of a line it has given up: part of messages.ts, plain data. */

/** A line at which a function threw so often that it goes to the dead letters, in this generation and all later ones [42]. */
export interface GivenUpLine {
  readonly line: number;
  readonly error: { readonly name: string; readonly message: string };
  /** As far as they are known: DeadLetter in dataflow/dead-letter.ts. */
  readonly operator: string | null;
  readonly key: string | null;
  readonly attempts: number;
}
