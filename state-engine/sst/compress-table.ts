/**
 * Compresses a table that was built without: the same blocks, filter and properties in fewer bytes.
 * Every table comes to this once, when it leaves memory, however often its entries were merged before.
 */
import { freeBytes } from "../bytes/free.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { CompressionName, Environment } from "../environment.ts";
import { BlockFrames } from "./block-frames.ts";
import { DecodedBlock } from "./decoded-block.ts";
import { Block } from "./block.ts";
import { readFooter, readOwnFrame } from "./format.ts";
import { IndexBuilder } from "./index-builder.ts";
import { readHandle } from "./table-tail.ts";
import { writeTail } from "./write-tail.ts";

export interface CompressedTable {
  /** At the begin of a buffer that nobody else has. */
  readonly bytes: Uint8Array;
  readonly indexOffset: number;
}

/** `expectedBytes`: about how large the result will be. */
export function compressTable(
  bytes: Uint8Array,
  compression: CompressionName | "none",
  expectedBytes: number,
  environment: Environment,
  what: string,
): CompressedTable {
  const footer = readFooter(bytes, environment, what);
  const section = (offset: number, size: number): Uint8Array =>
    readOwnFrame(bytes, offset, size, environment, `The section at offset ${offset} of ${what}`);
  const writer = new ByteWriter(expectedBytes + (expectedBytes >> 4), true);
  const frames = new BlockFrames(environment, compression, false);
  const index = new IndexBuilder();
  const older = new DecodedBlock();
  const { index: oldIndex } = footer;
  older.load(new Block(section(oldIndex.offset, oldIndex.size), 0, `The index of ${what}`), 1);
  for (let block = 0; block < older.count; block++) {
    const { offset, size } = readHandle(older, block, what);
    const handle = frames.write(writer, section(offset, size));
    index.add(older.keys, older.keyOffsets[block]!, older.keyLengths[block]!, handle);
  }
  const indexOffset = writer.length;
  const { filter, properties } = footer;
  const sections = {
    index: index.finish(),
    filter: filter.size === 0 ? undefined : section(filter.offset, filter.size),
    properties: section(properties.offset, properties.size),
  };
  writeTail(writer, sections, compression, environment);
  const result = writer.finish();
  if (result.buffer !== writer.bytes.buffer) freeBytes(writer.bytes);
  return { bytes: result, indexOffset };
}
