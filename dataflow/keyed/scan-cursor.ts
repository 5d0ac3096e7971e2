/**
 * Cursors of scans as opaque texts: where the next page begins. They hold no reference to anything, so
 * a cursor outlives the memory, and the place, of whoever gave it out.
 */
import { decodeHex, encodeHex } from "../../state-engine/bytes/text.ts";

/** Where a scan by key goes on: the first state key that was not looked at. */
export interface KeyCursor {
  readonly order: "key";
  readonly stateKey: Uint8Array;
}

/** Where a scan by value goes on: after this entry. */
export interface ValueCursor {
  readonly order: "valueDescending";
  readonly value: bigint;
  /** The key alone, without key group and state id. */
  readonly key: Uint8Array;
}

/** Where the elements of one list go on. */
export interface IndexCursor {
  readonly order: "index";
  /** Of the first element that was not looked at. */
  readonly index: number;
  /**
   * Of a list whose elements expire, where that is not its place for ever: its deadline, and how many with the same
   * one, which go when it goes, stand before it.
   */
  readonly expiring?: { readonly deadline: number; readonly ordinal: number };
}

type Cursor = KeyCursor | ValueCursor | IndexCursor;

export function encodeCursor(cursor: Cursor): string {
  if (cursor.order === "index") {
    const { index, expiring } = cursor;
    return expiring ? `i.${index}.${expiring.deadline}.${expiring.ordinal}` : `i.${index}`;
  }
  return cursor.order === "key"
    ? `k.${encodeHex(cursor.stateKey)}`
    : `v.${cursor.value}.${encodeHex(cursor.key)}`;
}

/** Throws RangeError for a text that encodeCursor did not make for this order. */
export function decodeCursor(text: string, order: "key"): KeyCursor;
export function decodeCursor(text: string, order: "valueDescending"): ValueCursor;
export function decodeCursor(text: string, order: "index"): IndexCursor;
export function decodeCursor(text: string, order: Cursor["order"]): Cursor;
export function decodeCursor(text: string, order: Cursor["order"]): Cursor {
  const byIndex = /^i\.([0-9]{1,10})(?:\.(-?[0-9]{1,16}|Infinity)\.([0-9]{1,10}))?$/.exec(text);
  if (order === "index" && byIndex) {
    const [, index, deadline, ordinal] = byIndex;
    const expiring = deadline && { deadline: Number(deadline), ordinal: Number(ordinal) };
    return { order, index: Number(index), ...(expiring && { expiring }) };
  }
  const byKey = /^k\.((?:[0-9a-f]{2})*)$/.exec(text);
  if (order === "key" && byKey) return { order, stateKey: decodeHex(byKey[1]!) };
  const byValue = /^v\.(-?[0-9]{1,20})\.((?:[0-9a-f]{2})*)$/.exec(text);
  if (order === "valueDescending" && byValue) {
    return { order, value: BigInt(byValue[1]!), key: decodeHex(byValue[2]!) };
  }
  throw new RangeError(
    `The cursor ${JSON.stringify(text.slice(0, 80))} is not one of a scan by ${order}: ` +
      `give back Next-Cursor of the previous page unchanged, with the same order.`,
  );
}
