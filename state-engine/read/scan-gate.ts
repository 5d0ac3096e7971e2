/**
 * How many scans are under way at once: each has a cursor on every run, with a block and its unfolded form. Those
 * that would pass the limit wait for their turn, in order; one may always go, whatever it takes.
 */
export class ScanGate {
  readonly #limit: () => number;
  #cursors = 0;
  readonly #waiting: { readonly cursors: number; readonly go: () => void }[] = [];

  /** `limit`: cursors that may be open together at the moment. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  async pass<Result>(cursors: number, scan: () => Promise<Result>): Promise<Result> {
    if (this.#waiting.length === 0 && this.#fits(cursors)) this.#cursors += cursors;
    else await new Promise<void>((go) => this.#waiting.push({ cursors, go }));
    try {
      return await scan();
    } finally {
      this.#cursors -= cursors;
      this.#wakeWaiting();
    }
  }

  #fits(cursors: number): boolean {
    return this.#cursors === 0 || this.#cursors + cursors <= this.#limit();
  }

  /** Those that go on are counted here, before they run: nobody else takes their room. */
  #wakeWaiting(): void {
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!.cursors)) {
      const { cursors, go } = this.#waiting.shift()!;
      this.#cursors += cursors;
      go();
    }
  }
}
