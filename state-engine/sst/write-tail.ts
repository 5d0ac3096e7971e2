/** Writes what follows a table's data blocks: index, filter, properties and footer (FORMAT.md). */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import type { CompressionName, Environment } from "../environment.ts";
import { compressed, writeFooter, writeFrame } from "./format.ts";
import type { BlockHandle } from "./format.ts";

/** Raw bytes of the sections. */
export interface TailSections {
  readonly index: Uint8Array;
  readonly filter: Uint8Array | undefined;
  readonly properties: Uint8Array;
}

export function writeTail(
  writer: ByteWriter,
  sections: TailSections,
  compression: CompressionName | "none",
  environment: Environment,
): void {
  const write = (raw: Uint8Array): BlockHandle =>
    writeFrame(writer, raw, compression, compressed(raw, compression, environment), environment);
  const index = write(sections.index);
  let filter: BlockHandle = { offset: writer.length, size: 0 };
  // Bits of a filter are as good as random: no codec makes them fewer.
  if (sections.filter) filter = writeFrame(writer, sections.filter, "none", undefined, environment);
  const properties = write(sections.properties);
  writeFooter(writer, { index, filter, properties }, environment);
}
