/**
 * Reads a table by FORMAT.md alone, with nothing of the engine: what another program would do. Checks every
 * checksum and every promise of order that the page makes, and holds it all in memory.
 */
import assert from "node:assert/strict";
import { crc32, inflateRawSync, zstdDecompressSync } from "node:zlib";

export interface ReadEntry {
  /** Hexadecimal. */
  readonly key: string;
  readonly kind: "delete" | "put" | "merge";
  readonly value: Buffer;
  /** Milliseconds; Infinity for never. */
  readonly expiresAt: number;
}

export interface ReadTable {
  readonly entries: readonly ReadEntry[];
  readonly smallestKey: string;
  readonly largestKey: string;
  readonly tombstones: number;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  readonly expiry: readonly [entries: number, earliest: number, latest: number] | undefined;
  readonly deletedRanges: readonly (readonly [start: string, end: string])[];
  readonly indexOffset: number;
  readonly hasFilter: boolean;
}

const FOOTER_BYTES = 48;
const KINDS = ["delete", "put", "merge"] as const;

export function readTable(table: Buffer): ReadTable {
  const footer = table.subarray(table.length - FOOTER_BYTES);
  assert.equal(footer.toString("latin1", 40), "WEIRSST\0");
  assert.equal(footer.readUInt32LE(36), crc32(footer.subarray(0, 36)));
  assert.deepEqual(
    [24, 28, 32].map((at) => footer.readUInt32LE(at)),
    [1, 0, 0],
  );
  const section = (at: number): Buffer =>
    readFrame(table, footer.readUInt32LE(at), footer.readUInt32LE(at + 4));
  const index = section(0);
  const hasFilter = footer.readUInt32LE(12) > 0;
  const properties = readProperties(new Reader(section(16)));
  const entries: ReadEntry[] = [];
  let separator = "";
  // A table of deleted ranges alone has an index of four zero bytes.
  const blocks = index.equals(Buffer.alloc(4)) ? [] : readBlock(index);
  for (const { key: above, value, kind } of blocks) {
    assert.equal(kind, "put");
    const place = new Reader(value);
    const block = readBlock(readFrame(table, place.varint(), place.varint()));
    assert.ok(block[0]!.key > separator && block.at(-1)!.key <= above);
    entries.push(...block);
    separator = above;
  }
  if (hasFilter) {
    const filter = section(8);
    for (const { key } of entries) assert.ok(mayContain(filter, hashOf(Buffer.from(key, "hex"))));
  }
  const { entries: count, rawBytes, ...rest } = properties;
  assert.equal(entries.length, count);
  const raw = entries.reduce((sum, { key, value }) => sum + key.length / 2 + value.length, 0);
  assert.equal(raw, rawBytes);
  return { ...rest, entries, indexOffset: footer.readUInt32LE(0), hasFilter };
}

function readFrame(table: Buffer, offset: number, size: number): Buffer {
  const frame = table.subarray(offset, offset + size);
  const stored = frame.subarray(9);
  const checksum = (Math.imul(crc32(frame.subarray(0, 5)), 0x9e3779b1) ^ crc32(stored)) >>> 0;
  assert.equal(frame.readUInt32LE(5), checksum);
  const decoders = [(bytes: Buffer) => bytes, inflateRawSync, zstdDecompressSync];
  const raw = decoders[frame[0]!]!(stored);
  assert.equal(raw.length, frame.readUInt32LE(1));
  return raw;
}

function readBlock(block: Buffer): ReadEntry[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - restarts * 4;
  const restartOffsets = new Set<number>();
  for (let at = end; at < block.length - 4; at += 4) restartOffsets.add(block.readUInt32LE(at));
  const reader = new Reader(block.subarray(0, end));
  const entries: ReadEntry[] = [];
  let last = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const isRestart = restartOffsets.delete(reader.at);
    const shared = reader.varint();
    if (isRestart) assert.equal(shared, 0);
    const unshared = reader.varint();
    const tag = reader.varint();
    const expiresAt = (tag & 4) === 0 ? Infinity : reader.varint();
    const key = Buffer.concat([last.subarray(0, shared), reader.take(unshared)]);
    assert.ok(entries.length === 0 || Buffer.compare(last, key) < 0);
    last = key;
    const value = reader.take(Math.floor(tag / 8));
    entries.push({ key: key.toString("hex"), kind: KINDS[tag & 3]!, value, expiresAt });
  }
  assert.equal(restartOffsets.size, 0);
  return entries;
}

function readProperties(reader: Reader) {
  const smallestKey = reader.bytes();
  const largestKey = reader.bytes();
  const entries = reader.varint();
  const tombstones = reader.varint();
  const rawBytes = reader.varint();
  const smallestSequence = reader.varint();
  const largestSequence = reader.varint();
  const expiring = reader.varint();
  const expiry =
    expiring === 0 ? undefined : ([expiring, reader.varint(), reader.varint()] as const);
  const deletedRanges: (readonly [string, string])[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const [start, end] = [reader.bytes(), reader.bytes()];
    assert.ok((deletedRanges.at(-1)?.[1] ?? "") <= start && start < end);
    deletedRanges.push([start, end]);
  }
  assert.ok(reader.isAtEnd);
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

export function mayContain(filter: Buffer, hash: number): boolean {
  const bits = BigInt((filter.length - 1) * 8);
  const step = BigInt((Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) | 1) >>> 0);
  for (let probe = 0n; probe < BigInt(filter.at(-1)!); probe++) {
    const bit = Number(BigInt.asUintN(32, BigInt(hash) + probe * step) % bits);
    if ((filter[Math.floor(bit / 8)]! & (1 << (bit % 8))) === 0) return false;
  }
  return true;
}

/** Of a state key: its bytes after the first four. */
export function hashOf(key: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of key.subarray(4)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  take(length: number): Buffer {
    this.at += length;
    assert.ok(this.at <= this.#bytes.length);
    return this.#bytes.subarray(this.at - length, this.at);
  }

  varint(): number {
    const [byte] = this.take(1);
    return byte! < 0x80 ? byte! : byte! - 0x80 + this.varint() * 0x80;
  }

  /** Hexadecimal. */
  bytes(): string {
    return this.take(this.varint()).toString("hex");
  }
}
