/** A BlobStore that notes what reads it was asked for, fails when told to, and holds answers back. */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";
import { StateEngineError } from "../../state-engine/index.ts";

export interface HeldAnswer {
  /** Resolves when the held call has been made. */
  readonly begun: Promise<void>;
  release(): void;
}

export class RecordingBlobStore implements BlobStore {
  readonly #store: BlobStore;
  readonly #calls: string[] = [];
  #hold: { begin(): void; readonly released: Promise<void> } | undefined;
  /** The call that rejects. */
  failing: keyof BlobStore | undefined;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Reads so far, as "get path" or "getRange path offset+length". */
  get calls(): readonly string[] {
    return this.#calls;
  }

  forgetCalls(): void {
    this.#calls.length = 0;
  }

  /** The next get reads at once and answers when released. */
  holdNextAnswer(): HeldAnswer {
    const begun = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#hold = { begin: begun.resolve, released: released.promise };
    return { begun: begun.promise, release: released.resolve };
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    this.#calls.push(`get ${path}`);
    this.#failIf("get");
    const bytes = await this.#store.get(path);
    const hold = this.#hold;
    this.#hold = undefined;
    hold?.begin();
    await hold?.released;
    return bytes;
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    this.#calls.push(`getRange ${path} ${offset}+${length}`);
    this.#failIf("getRange");
    return await this.#store.getRange(path, offset, length);
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    this.#failIf("put");
    return await this.#store.put(path, bytes, options);
  }

  async list(prefix: string): Promise<readonly BlobEntry[]> {
    this.#failIf("list");
    return await this.#store.list(prefix);
  }

  async delete(paths: readonly string[]): Promise<void> {
    this.#failIf("delete");
    await this.#store.delete(paths);
  }

  #failIf(call: keyof BlobStore): void {
    if (this.failing !== call) return;
    throw new StateEngineError("unavailable", `This store was told to fail at ${call}.`);
  }
}
