/** Builds a table's index: for each data block a separator, and where the block's frame stands. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { KIND_PUT } from "../memtable/entry-kind.ts";
import { BlockBuilder } from "./block-builder.ts";
import type { BlockHandle } from "./format.ts";

export class IndexBuilder {
  readonly #block = new BlockBuilder(4096, 1);
  readonly #handle = new ByteWriter(16);

  /** `key`: at or above the block's last key and below the next one's first. */
  add(key: Uint8Array, keyOffset: number, keyLength: number, { offset, size }: BlockHandle): void {
    const handle = this.#handle;
    handle.length = 0;
    handle.varint(offset);
    handle.varint(size);
    const { bytes, length } = handle;
    this.#block.add(key, keyOffset, keyLength, KIND_PUT, bytes, 0, length, Infinity);
  }

  finish(): Uint8Array {
    return this.#block.finish();
  }
}
