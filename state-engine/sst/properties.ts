/**
 * What a table says of itself: bounds, counts, sequences, and the key ranges it deletes in older
 * tables. Encoded as varints and length-prefixed bytes.
 */
import { compareKeys } from "../bytes/compare.ts";
import { encodeHex } from "../bytes/text.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { TableExpiry } from "../version/table-reference.ts";
import { damaged } from "./format.ts";

const noBytes = new Uint8Array(0);

export interface TableProperties {
  /** Bounds of entries and deleted ranges, both included. */
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
  readonly entries: number;
  /** Entries of kind delete. */
  readonly tombstones: number;
  /** Bytes of keys and values before any coding. */
  readonly rawBytes: number;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  /** Of the entries that expire; undefined when none does. */
  readonly expiry: TableExpiry | undefined;
  /** Ascending, not overlapping. They delete in older tables only, never in this one. */
  readonly deletedRanges: readonly KeyRange[];
}

export interface KeyRange {
  /** Included. */
  readonly start: Uint8Array;
  /** Excluded. */
  readonly end: Uint8Array;
}

export function encodeProperties(properties: TableProperties): Uint8Array {
  const writer = new ByteWriter(256);
  writer.slice(properties.smallestKey);
  writer.slice(properties.largestKey);
  writer.varint(properties.entries);
  writer.varint(properties.tombstones);
  writer.varint(properties.rawBytes);
  writer.varint(properties.smallestSequence);
  writer.varint(properties.largestSequence);
  const { expiry } = properties;
  writer.varint(expiry?.entries ?? 0);
  if (expiry !== undefined) {
    writer.varint(expiry.earliest);
    writer.varint(expiry.latest);
  }
  writer.varint(properties.deletedRanges.length);
  for (const { start, end } of properties.deletedRanges) {
    writer.slice(start);
    writer.slice(end);
  }
  return writer.finish();
}

export function decodeProperties(bytes: Uint8Array, what: string): TableProperties {
  const reader = new ByteReader(bytes, 0, bytes.length, what);
  const smallestKey = reader.slice();
  const largestKey = reader.slice();
  const entries = reader.varint();
  const tombstones = reader.varint();
  const rawBytes = reader.varint();
  const smallestSequence = reader.varint();
  const largestSequence = reader.varint();
  const expiring = reader.varint();
  const expiry =
    expiring === 0
      ? undefined
      : { entries: expiring, earliest: reader.varint(), latest: reader.varint() };
  const deletedRanges: KeyRange[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const range = { start: reader.slice(), end: reader.slice() };
    const last = deletedRanges.at(-1);
    if (
      compareKeys(range.start, range.end) >= 0 ||
      (last && compareKeys(last.end, range.start) > 0)
    ) {
      const place = `${encodeHex(range.start)} to ${encodeHex(range.end)}`;
      throw damaged(
        what,
        `its deleted range ${deletedRanges.length} is from ${place}, expected not empty and from ${encodeHex(last?.end ?? noBytes)} on`,
      );
    }
    deletedRanges.push(range);
  }
  reader.expectEnd();
  return {
    smallestKey,
    largestKey,
    entries,
    tombstones,
    rawBytes,
    smallestSequence,
    largestSequence,
    expiry,
    deletedRanges,
  };
}
