/**
 * An ObjectContext whose object can die in the middle of a step: from then on nothing it does has any
 * effect, as when the platform throws an object's memory away.
 */
import type { Environment } from "../../../state-engine/environment.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import type {
  Alarm,
  ObjectContext,
  Peers,
  Sql,
  Timer,
} from "../../../durable-objects/object-context.ts";
import type { NodeObjectContext } from "../../support/node-object-context.ts";

export class Crash extends Error {}

export class MortalContext implements ObjectContext {
  readonly #context: NodeObjectContext;
  #cause: Crash | undefined;

  constructor(context: NodeObjectContext) {
    this.#context = context;
  }

  die(step: string): never {
    this.#cause = new Crash(`The coordinator crashed at "${step}".`);
    throw this.#cause;
  }

  get sql(): Sql {
    return this.#alive().sql;
  }

  get alarm(): Alarm {
    return this.#alive().alarm;
  }

  get environment(): Environment {
    return this.#alive().environment;
  }

  get blobStore(): BlobStore {
    return this.#alive().blobStore;
  }

  get peers(): Peers {
    return this.#alive().peers;
  }

  get codeVersion(): string {
    return this.#context.codeVersion;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#alive().setTimer(delayMs, callback);
  }

  keepAlive(work: Promise<void>): void {
    this.#context.keepAlive(
      work.catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      }),
    );
  }

  reportError(error: unknown, doing: string): void {
    if (this.#cause === undefined) this.#context.reportError(error, doing);
  }

  crashPoint(name: string): void {
    this.#alive().crashPoint(name);
  }

  #alive(): NodeObjectContext {
    if (this.#cause !== undefined) throw this.#cause;
    return this.#context;
  }
}
