/**
 * Promises found broken. The first ends the run; a report of an error with nobody to take it counts as
 * one unless the world was made to fail on purpose and the logic says no more than that.
 */
export class Violations {
  readonly #messages: string[] = [];
  readonly #tolerated: (error: unknown) => boolean;

  /** `tolerated` says which reported errors are no more than the fault that was put in. */
  constructor(tolerated: (error: unknown) => boolean) {
    this.#tolerated = tolerated;
  }

  add(message: string): void {
    this.#messages.push(message);
  }

  reported(name: string, error: unknown, doing: string): void {
    if (this.#tolerated(error)) return;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.add(`${name} reported an error while ${doing}: ${stack}`);
  }

  get first(): string | undefined {
    return this.#messages[0];
  }
}
