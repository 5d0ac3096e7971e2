/** A bucket in memory whose next put can fail, whose deletes can be held, and which notes what is done to it. */
import type { BlobEntry, BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { StateEngineError } from "../../../state-engine/index.ts";

export class ScriptedBucket implements BlobStore {
  readonly blobs = new Map<string, Uint8Array>();
  readonly puts: string[] = [];
  readonly deleted: string[] = [];
  readonly writtenAt = new Map<string, number>();
  isDown = false;
  calls = 0;
  /** What the next put does instead of succeeding. */
  nextPut: "lost" | "written, answer lost" | undefined;
  #deletes: PromiseWithResolvers<void> | undefined;

  /** Deletes neither take effect nor are answered until they are let go. */
  holdDeletes(): void {
    this.#deletes = Promise.withResolvers();
  }

  letDeletesGo(): void {
    this.#deletes?.resolve();
    this.#deletes = undefined;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    this.calls++;
    return this.blobs.get(path)?.slice();
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    this.calls++;
    return this.blobs.get(path)?.slice(offset, offset + length);
  }

  async put(path: string, bytes: Uint8Array): Promise<"written" | "exists"> {
    this.calls++;
    this.puts.push(path);
    const fault = this.nextPut;
    this.nextPut = undefined;
    if (fault !== "lost" && !this.blobs.has(path)) this.blobs.set(path, bytes.slice());
    else if (fault === undefined) return "exists";
    if (fault !== undefined) throw new StateEngineError("unavailable", "The put was not answered.");
    return "written";
  }

  /** Blobs that do not say otherwise were written at the beginning of time. */
  async list(prefix: string): Promise<BlobEntry[]> {
    this.calls++;
    if (this.isDown) throw new StateEngineError("unavailable", "The list was not answered.");
    return [...this.blobs]
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, { length }]) => ({
        path,
        size: length,
        writtenAt: this.writtenAt.get(path) ?? 0,
      }));
  }

  async delete(paths: readonly string[]): Promise<void> {
    this.calls++;
    await this.#deletes?.promise;
    for (const path of paths) {
      this.deleted.push(path);
      this.blobs.delete(path);
    }
  }
}
