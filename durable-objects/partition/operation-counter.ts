/**
 * What this partition did since its last acknowledgement, counted where it happens: billed operations
 * of the platform, and records.
 */
import type { OperationCounts } from "../messages.ts";
import type { CountedBlobStore } from "./counted-blob-store.ts";
import type { UploadNotes } from "./schema.ts";

export class OperationCounter {
  readonly blobStore: CountedBlobStore;
  readonly #notes: UploadNotes;
  /** Calls to other Durable Objects. */
  requests = 0;
  /** Alarms set or cleared: a row each. */
  alarms = 0;
  recordsIn = 0;

  constructor(blobStore: CountedBlobStore, notes: UploadNotes) {
    this.blobStore = blobStore;
    this.#notes = notes;
  }

  /** Everything since the last call. */
  take(): { readonly operations: OperationCounts; readonly recordsIn: number } {
    const rowsWritten = this.#notes.takeRowsWritten() + this.alarms;
    const operations = {
      ...this.blobStore.takeCounts(),
      rowsWritten,
      requests: this.requests,
    };
    const { recordsIn } = this;
    this.requests = 0;
    this.alarms = 0;
    this.recordsIn = 0;
    return { operations, recordsIn };
  }
}
