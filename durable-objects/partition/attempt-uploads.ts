/**
 * The objects one attempt of a partition writes: their paths, and the note that is durable before a PUT
 * starts [10].
 *
 * Promise: after close() nothing is noted any more, so nothing is written.
 */
import { StateEngineError } from "../../state-engine/index.ts";
import type { ObjectContext } from "../object-context.ts";
import type { Attached } from "./attach.ts";
import type { InFlightUploads } from "./in-flight.ts";
import type { OperationCounter } from "./operation-counter.ts";
import type { OutputUploads } from "./output.ts";
import type { UploadNotes } from "./schema.ts";
import { uploadPath, type UploadName } from "./upload-path.ts";

export interface AttemptUploadsOptions {
  readonly context: Pick<ObjectContext, "environment">;
  readonly attached: Attached;
  readonly notes: Pick<UploadNotes, "note">;
  readonly counter: Pick<OperationCounter, "blobStore">;
}

export class AttemptUploads implements OutputUploads {
  /** The checkpoint whose number stands in the paths of new objects. */
  newestBarrier: number;
  /** As the state engine asks for it. */
  readonly ofTables = {
    nextPath: (): string => this.#nextPath("sst"),
    note: (path: string): void => this.#note(path),
  };
  /** Of in-flight frames. */
  readonly ofFrames: InFlightUploads = {
    newPath: () => this.#newPath("frames"),
    put: (path, bytes) => this.put(path, bytes),
  };
  readonly #options: AttemptUploadsOptions;
  #isClosed = false;

  constructor(options: AttemptUploadsOptions) {
    this.#options = options;
    this.newestBarrier = options.attached.checkpoint;
  }

  newPath(): string {
    return this.#newPath("ndjson");
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#options.counter.blobStore.put(path, bytes);
  }

  close(): void {
    this.#isClosed = true;
  }

  #newPath(extension: UploadName["extension"]): string {
    const path = this.#nextPath(extension);
    this.#note(path);
    return path;
  }

  #nextPath(extension: UploadName["extension"]): string {
    const { context, attached } = this.#options;
    const checkpoint = this.newestBarrier;
    return uploadPath({ attached, checkpoint, id: context.environment.newId(), extension });
  }

  #note(path: string): void {
    // What an attempt that is over still wants to write would be nobody's to delete.
    if (this.#isClosed) {
      throw new StateEngineError(
        "closed",
        `This attempt is over; nothing is written. path=${path}`,
      );
    }
    this.#options.notes.note(path);
  }
}
