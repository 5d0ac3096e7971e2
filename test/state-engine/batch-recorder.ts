/** Takes single writes as an engine does, and makes a batch of them. */
import { encodeInt64 } from "../../state-engine/index.ts";
import type { StateEngine, StateWrite } from "../../state-engine/index.ts";

export type SingleWrites = Pick<
  StateEngine,
  "put" | "delete" | "merge" | "mergeInt64" | "deleteRange"
>;

export class BatchRecorder implements SingleWrites {
  readonly writes: StateWrite[] = [];

  put(
    ...[key, at, length, value, valueAt, valueLength, expiresAt]: Parameters<StateEngine["put"]>
  ) {
    this.writes.push({
      kind: "put",
      key: key.slice(at, at + length),
      value: value.slice(valueAt, valueAt + valueLength),
      ...(expiresAt !== undefined && { expiresAt }),
    });
  }

  delete(key: Uint8Array, at: number, length: number): void {
    this.writes.push({ kind: "delete", key: key.slice(at, at + length) });
  }

  merge(...[key, at, length, operand, from, size, expiresAt]: Parameters<StateEngine["merge"]>) {
    this.writes.push({
      kind: "merge",
      key: key.slice(at, at + length),
      operand: operand.slice(from, from + size),
      ...(expiresAt !== undefined && { expiresAt }),
    });
  }

  mergeInt64(key: Uint8Array, at: number, length: number, _hash: number, delta: number): void {
    const operand = encodeInt64(delta);
    this.merge(key, at, length, operand, 0, operand.length);
  }

  deleteRange(start: Uint8Array, end: Uint8Array): void {
    this.writes.push({ kind: "deleteRange", start, end });
  }

  /** Sequence numbers that the writes take, all within what the engine owns. */
  get sequences(): number {
    const isEmpty = (write: StateWrite): boolean =>
      write.kind === "deleteRange" && Buffer.compare(write.start, write.end) >= 0;
    return this.writes.filter((write) => !isEmpty(write)).length;
  }
}
