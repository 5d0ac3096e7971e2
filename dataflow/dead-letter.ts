/**
 * A line that was given up because a function threw at it again and again [42]: what stands in the
 * output of option deadLetter, and the frame that takes it from the source to the partition that
 * commits it.
 *
 *   byte 0   format version, 1
 *   byte 1   payload kind, 4
 *   varint   number of records, 1
 *   varint   length, then the dead letter as JSON in UTF-8
 */
import { ByteReader } from "../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../state-engine/bytes/byte-writer.ts";

export interface DeadLetter {
  /** Where the record stood in the log; null when only the record itself is known. */
  readonly source: number | null;
  readonly line: number | null;
  /** The line as it was posted; null when only the record itself is known. */
  readonly text: string | null;
  /** The record that failed in an asynchronous operator, as JSON. Absent for a line. */
  readonly record?: unknown;
  readonly error: { readonly name: string; readonly message: string };
  /** As in `flatMap "splitWords"` or `process "checks"`; null when it is not known. */
  readonly operator: string | null;
  /** The key of the record that failed, as JSON; null before keyBy. */
  readonly key: string | null;
  /** How often it failed. */
  readonly attempts: number;
}

const FORMAT_VERSION = 1;
const DEAD_LETTER_KIND = 4;

export function writeDeadLetter(letter: DeadLetter): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(letter));
  const writer = new ByteWriter(json.length + 12);
  writer.u8(FORMAT_VERSION);
  writer.u8(DEAD_LETTER_KIND);
  writer.varint(1);
  writer.slice(json);
  return writer.finish();
}

export function isDeadLetter(frame: Uint8Array): boolean {
  return frame[1] === DEAD_LETTER_KIND;
}

/** Of a frame for which isDeadLetter is true. */
export function readDeadLetter(frame: Uint8Array): DeadLetter {
  const reader = new ByteReader(frame, 3, frame.length, "A frame with a dead letter");
  const letter = JSON.parse(new TextDecoder().decode(reader.slice())) as DeadLetter;
  reader.expectEnd();
  return letter;
}
