/**
 * Remembers, per isolate, what the manifests of completed checkpoints resolve to, so that the pages of
 * a scan do not read a whole chain each. A manifest never changes, nor does a path mean another one.
 *
 * Promise: holds manifests of at most `limitBytes` together, the least recently used go first. Whether a
 * checkpoint is still retained is the coordinator's to say, before every read.
 */
import type { Environment } from "../../state-engine/environment.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { resolveChain } from "../../state-engine/index.ts";
import type { ResolvedManifest } from "../../state-engine/index.ts";

interface Remembered {
  readonly resolved: ResolvedManifest;
  /** Of the manifests as stored: a measure of what they take in memory. */
  readonly bytes: number;
}

export class ResolvedChains {
  readonly #environment: Pick<Environment, "crc32">;
  readonly #limitBytes: number;
  /** The least recently used first. */
  readonly #byPath = new Map<string, Remembered>();
  #bytes = 0;

  constructor(environment: Pick<Environment, "crc32">, limitBytes: number) {
    this.#environment = environment;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** As resolveChain. */
  async get(blobStore: BlobStore, path: string): Promise<ResolvedManifest> {
    const known = this.#byPath.get(path);
    if (known !== undefined) {
      this.#byPath.delete(path);
      this.#byPath.set(path, known);
      return known.resolved;
    }
    let bytes = 0;
    const reader: Pick<BlobStore, "get"> = {
      get: async (manifestPath) => {
        const found = await blobStore.get(manifestPath);
        bytes += found?.length ?? 0;
        return found;
      },
    };
    const resolved = await resolveChain(reader as BlobStore, path, this.#environment);
    this.#keep(path, { resolved, bytes });
    return resolved;
  }

  #keep(path: string, remembered: Remembered): void {
    // Another request may have read it meanwhile.
    if (remembered.bytes > this.#limitBytes || this.#byPath.has(path)) return;
    this.#byPath.set(path, remembered);
    this.#bytes += remembered.bytes;
    for (const [oldest, { bytes }] of this.#byPath) {
      if (this.#bytes <= this.#limitBytes) return;
      this.#byPath.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
