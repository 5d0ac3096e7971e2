/**
 * A snapshot as its engine knows it: the view it pins, until it is released.
 */
import type { Snapshot } from "../engine-types.ts";
import { StateEngineError } from "../errors.ts";
import type { ReadView } from "./read-view.ts";

export class EngineSnapshot implements Snapshot {
  readonly sequence: number;
  #view: ReadView | undefined;

  readonly #onRelease: () => void;

  constructor(sequence: number, view: ReadView, onRelease: () => void) {
    this.sequence = sequence;
    this.#view = view;
    this.#onRelease = onRelease;
  }

  get view(): ReadView {
    if (this.#view === undefined) {
      throw new StateEngineError("invalid", "The snapshot was released: take a new one.");
    }
    return this.#view;
  }

  release(): void {
    this.#view = undefined;
    this.#onRelease();
  }
}
