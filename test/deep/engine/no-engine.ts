/**
 * What memory-ceiling-process.ts works with to learn what its own work costs: takes writes and keeps nothing,
 * answers scans with pages of the same size in proportion to what was written. What a process with a real
 * engine takes beyond this one's is the engine's.
 */
import type { ScanEntry, ScanOptions, ScanPage, StateEngine } from "../../../state-engine/index.ts";

/** The part of an engine that the workload calls. */
export type WorkedEngine = Pick<
  StateEngine,
  "admit" | "put" | "maintain" | "scan" | "freeze" | "persist" | "confirm" | "statistics" | "close"
>;

/** Written between two pages: together the scans read about as much as is written, as they do of a real engine. */
const BYTES_PER_PAGE = 128 * 1024;
const ENTRY_BYTES = 570;
const KEY_BYTES = 16;

export class NoEngine implements WorkedEngine {
  #writtenBytes = 0;
  #readBytes = 0;
  #sequence = 0;

  admit(bytes: number): undefined {
    this.#writtenBytes += bytes;
  }

  put(): void {
    this.#sequence++;
  }

  async maintain(): Promise<boolean> {
    return await Promise.resolve(false);
  }

  async scan({ limitBytes = 0 }: ScanOptions): Promise<ScanPage> {
    const entries: ScanEntry[] = [];
    if (this.#readBytes < this.#writtenBytes) {
      this.#readBytes += BYTES_PER_PAGE;
      const bytes = new Uint8Array(limitBytes).fill(this.#sequence);
      for (let at = 0; at + ENTRY_BYTES <= limitBytes; at += ENTRY_BYTES) {
        const keyEnd = at + KEY_BYTES;
        const key = bytes.subarray(at, keyEnd);
        entries.push({ key, value: bytes.subarray(keyEnd, at + ENTRY_BYTES) });
      }
    }
    return await Promise.resolve({ entries, next: {} as { start: Uint8Array } });
  }

  freeze(): { sequence: number } {
    return { sequence: this.#sequence };
  }

  async persist(): ReturnType<StateEngine["persist"]> {
    const persisted = { tables: [], sequence: this.#sequence, uploads: [], uploadedBytes: 0 };
    return await Promise.resolve(persisted);
  }

  confirm(): void {
    this.#sequence++;
  }

  statistics(): ReturnType<StateEngine["statistics"]> {
    const none = { gets: 0, puts: 0, bytesRead: 0, bytesWritten: 0, flushes: 0, flushedBytes: 0 };
    return {
      levels: [],
      tables: 0,
      tableBytes: 0,
      tableEntries: 0,
      memtableBytes: 0,
      cacheBytes: 0,
      operations: { ...none, compactions: 0, compactedBytes: 0, stalls: 0 },
    };
  }

  close(): void {
    this.#sequence++;
  }
}
