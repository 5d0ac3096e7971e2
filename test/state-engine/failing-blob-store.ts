/**
 * A store in memory that the test tells, request by request, what becomes of it.
 *
 * - done: as it should be.
 * - lost: nothing happens, and the caller is told that the outcome is unknown.
 * - unanswered: it happens, and the caller is told that the outcome is unknown.
 */
import { MemoryBlobStore, StateEngineError } from "../../state-engine/index.ts";

export type Outcome = "done" | "lost" | "unanswered";

export class FailingBlobStore extends MemoryBlobStore {
  /** Paths of all puts that were asked for, in order. */
  readonly puts: string[] = [];
  reads = 0;
  onPut: (path: string, count: number) => Outcome = () => "done";
  onRead: (count: number) => Outcome = () => "done";

  constructor() {
    super({ now: () => 0 });
  }

  override async put(path: string, bytes: Uint8Array): Promise<"written" | "exists"> {
    this.puts.push(path);
    const outcome = this.onPut(path, this.puts.length);
    if (outcome === "lost") throw unknownOutcome();
    const answer = await super.put(path, bytes);
    if (outcome === "unanswered") throw unknownOutcome();
    return answer;
  }

  override async getRange(
    path: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    this.reads++;
    if (this.onRead(this.reads) !== "done") throw unknownOutcome();
    return super.getRange(path, offset, length);
  }
}

function unknownOutcome(): StateEngineError {
  return new StateEngineError("unavailable", "The store did not answer.");
}
