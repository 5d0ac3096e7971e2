/**
 * Memory of this process beyond what it had when the sampler was made: the highest seen of what is alive (heap and
 * everything outside it that objects hold, after a full garbage collection), of what the system gave (the resident
 * set, which has garbage, room between objects, machine code and the file system's calls in it too), and of what a
 * collection found dead outside the heap: buffers that nobody gave back.
 */
import type {
  BlobEntry,
  BlobStore,
  PutOptions,
} from "../../../state-engine/blob-store/blob-store.ts";

/** Collections take milliseconds: one of so many calls of the store. */
const CALLS_PER_COLLECTION = 800;
const CALLS_PER_SAMPLE = 16;

export interface MemoryPeaks {
  readonly peakLiveBytes: number;
  readonly peakResidentBytes: number;
  /** Of buffers that were not given back when their last reader was done, but waited for the collection. */
  readonly peakDeadBufferBytes: number;
  readonly collections: number;
}

export class MemorySampler {
  readonly #collect: () => void;
  readonly #liveBefore: number;
  readonly #residentBefore: number;
  #peakLive = 0;
  #peakResident = 0;
  #peakDeadBuffers = 0;
  #collections = 0;

  constructor() {
    const { gc } = globalThis;
    if (gc === undefined) throw new Error("Start this process with --expose-gc.");
    this.#collect = () => {
      gc();
      // Buffers are let go by a thread of their own, which the next collection waits for.
      gc();
    };
    this.#collect();
    this.#liveBefore = liveBytes();
    this.#residentBefore = process.memoryUsage.rss();
  }

  sampleLive(): void {
    this.sampleResident();
    const before = process.memoryUsage().arrayBuffers;
    this.#collect();
    const after = process.memoryUsage().arrayBuffers;
    this.#peakDeadBuffers = Math.max(this.#peakDeadBuffers, before - after);
    this.#collections++;
    this.#peakLive = Math.max(this.#peakLive, liveBytes());
  }

  sampleResident(): void {
    this.#peakResident = Math.max(this.#peakResident, process.memoryUsage.rss());
  }

  result(): MemoryPeaks {
    return {
      peakLiveBytes: this.#peakLive - this.#liveBefore,
      peakResidentBytes: this.#peakResident - this.#residentBefore,
      peakDeadBufferBytes: this.#peakDeadBuffers,
      collections: this.#collections,
    };
  }
}

function liveBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Measures while a call is under way: there whatever the engine holds at once is held. */
export class MeasuredBlobStore implements BlobStore {
  readonly #blobStore: BlobStore;
  readonly #sampler: MemorySampler;
  #calls = 0;

  constructor(blobStore: BlobStore, sampler: MemorySampler) {
    this.#blobStore = blobStore;
    this.#sampler = sampler;
  }

  get(path: string): Promise<Uint8Array | undefined> {
    return this.#blobStore.get(path);
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#blobStore.getRange(path, offset, length);
    this.#sample(1);
    return bytes;
  }

  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    this.#sample(CALLS_PER_COLLECTION / 4);
    return this.#blobStore.put(path, bytes, options);
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return this.#blobStore.list(prefix);
  }

  delete(paths: readonly string[]): Promise<void> {
    return this.#blobStore.delete(paths);
  }

  #sample(weight: number): void {
    this.#calls += weight;
    if (this.#calls < CALLS_PER_COLLECTION) {
      if (weight > 1 || this.#calls % CALLS_PER_SAMPLE === 0) this.#sampler.sampleResident();
      return;
    }
    this.#calls = 0;
    this.#sampler.sampleLive();
  }
}
