/**
 * Cuts the records of a commit into batches of lines: a function of the output and the limits alone, so
 * that every attempt cuts the same ones.
 */
import type { BatchLimits } from "../../dataflow/sinks/sink-definition.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import type { OutputPlace, RecordCursor } from "./record-cursor.ts";

export interface LineBatch {
  /** Each record with a line feed. A buffer of its own. */
  readonly bytes: Uint8Array;
  readonly records: number;
  /** Records of the commit before this batch. */
  readonly first: number;
  /** Where the records after it begin. */
  readonly next: OutputPlace;
  /** No record comes after it. */
  readonly isLast: boolean;
}

/** `first`: records that are before the cursor. A batch has one record at least, and no more than `limits` allow after that. */
export async function* lineBatches(
  cursor: RecordCursor,
  limits: BatchLimits,
  first: number,
): AsyncGenerator<LineBatch> {
  let hasRecord = await cursor.advance();
  while (hasRecord) {
    const lines = new GrowingBytes();
    let records = 0;
    while (hasRecord) {
      const isFull =
        records === limits.maxRecords || lines.length + cursor.length + 1 > limits.maxBytes;
      if (records > 0 && isFull) break;
      lines.appendLine(cursor.bytes, cursor.begin, cursor.end);
      records++;
      hasRecord = cursor.next() || (await cursor.advance());
    }
    const next = hasRecord ? cursor.place : cursor.endPlace;
    yield { bytes: lines.copy(), records, first, next, isLast: !hasRecord };
    first += records;
  }
}
