/**
 * Looks into the bytes of a table without a version around it: what it says of itself, its blocks, its
 * entries. For people and for verify-table.ts; slow where the engine is fast, and in no hurry.
 */
import type { Environment } from "../environment.ts";
import { Block, BlockReader, misplacedKey } from "../sst/block.ts";
import { FOOTER_BYTES, damaged, readFooter, readFrame } from "../sst/format.ts";
import type { BlockHandle, Footer } from "../sst/format.ts";
import type { TableProperties } from "../sst/properties.ts";
import { TableTail } from "../sst/table-tail.ts";

export interface TableInspection {
  readonly size: number;
  readonly footer: Footer;
  readonly properties: TableProperties;
  readonly blocks: readonly BlockHandle[];
  readonly tail: TableTail;
}

export interface InspectedEntry {
  readonly block: number;
  readonly key: Uint8Array;
  readonly kind: "delete" | "put" | "merge";
  readonly value: Uint8Array;
  /** Milliseconds; Infinity for never. */
  readonly expiresAt: number;
}

const KINDS = ["delete", "put", "merge"] as const;

/** Where the tables of an object stand, first to last: each footer leads to the end of the one before. */
export function findTables(
  bytes: Uint8Array,
  environment: Environment,
  path: string,
): readonly BlockHandle[] {
  const found: BlockHandle[] = [];
  for (let end = bytes.length; end > 0;) {
    const what = `the table that ends at offset ${end} of ${path}`;
    const { properties } = readFooter(bytes.subarray(0, end), environment, what);
    const size = properties.offset + properties.size + FOOTER_BYTES;
    if (size > end) throw damaged(what, `it has ${size} bytes, expected ${end} at most`);
    found.unshift({ offset: end - size, size });
    end -= size;
  }
  return found;
}

/** `bytes` are those of one table. Throws StateEngineError for what is damaged or newer. */
export function inspectTable(
  bytes: Uint8Array,
  environment: Environment,
  what: string,
): TableInspection {
  const footer = readFooter(bytes, environment, what);
  const indexOffset = footer.index.offset;
  const tail = new TableTail(bytes.subarray(indexOffset), indexOffset, environment, what);
  const { properties, blocks } = tail;
  return { size: bytes.length, footer, properties, blocks, tail };
}

/** What a data block is before it is undone: its codec's number and its bytes without and with coding. */
export function blockHeader(
  bytes: Uint8Array,
  { offset }: BlockHandle,
): { readonly codec: number; readonly rawBytes: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 5);
  return { codec: view.getUint8(0), rawBytes: view.getUint32(1, true) };
}

/** The entries of one data block. Checks its checksum. */
export function* blockEntries(
  bytes: Uint8Array,
  blocks: readonly BlockHandle[],
  index: number,
  environment: Environment,
  what: string,
): Generator<InspectedEntry> {
  const { offset, size } = blocks[index]!;
  const name = `Block ${index} at offset ${offset} of ${what}`;
  const block = new Block(readFrame(bytes, offset, size, environment, name), 0, name);
  const reader = new BlockReader();
  let last: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < block.end; at = reader.next) {
    reader.read(block, at);
    const { shared, unshared, keyOffset, valueOffset, valueLength } = reader;
    if (shared > last.length) throw misplacedKey(block, at, reader, last.length, 0);
    const key = new Uint8Array(shared + unshared);
    key.set(last.subarray(0, shared));
    key.set(block.bytes.subarray(keyOffset, keyOffset + unshared), shared);
    last = key;
    const value = block.bytes.slice(valueOffset, valueOffset + valueLength);
    yield { block: index, key, kind: KINDS[reader.kind]!, value, expiresAt: reader.expiresAt };
  }
}
