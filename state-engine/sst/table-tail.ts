/**
 * What follows a table's data blocks: index, filter and properties, decoded. Read once, at the
 * table's first use, with one request; it counts in the memory budget [35].
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import { compareBytes } from "../bytes/compare.ts";
import type { Environment } from "../environment.ts";
import { mayContain } from "./bloom-filter.ts";
import { Block } from "./block.ts";
import { DecodedBlock } from "./decoded-block.ts";
import { Separators } from "./separators.ts";
import { damaged, readFooter, readFrame } from "./format.ts";
import type { BlockHandle } from "./format.ts";
import { decodeProperties } from "./properties.ts";
import type { TableProperties } from "./properties.ts";

export class TableTail {
  readonly properties: TableProperties;
  readonly blocks: readonly BlockHandle[];
  readonly usedBytes: number;
  /** Where in the table it begins. */
  readonly indexOffset: number;
  readonly #filter: Uint8Array | undefined;
  readonly #separators: Separators;

  /** `bytes` are the table's from `indexOffset` to its end. */
  constructor(bytes: Uint8Array, indexOffset: number, environment: Environment, what: string) {
    const footer = readFooter(bytes, environment, what, indexOffset);
    this.indexOffset = indexOffset;
    const section = ({ offset, size }: BlockHandle, name: string): Uint8Array => {
      if (offset < indexOffset) {
        throw damaged(what, `its ${name} begins at ${offset}, expected ${indexOffset} at least`);
      }
      const where = `The ${name} at offset ${offset} of ${what}`;
      return readFrame(bytes, offset - indexOffset, size, environment, where);
    };
    if (footer.index.offset !== indexOffset) {
      throw damaged(what, `its index stands at ${footer.index.offset}, expected ${indexOffset}`);
    }
    // Copies, so that a few bytes of them do not keep the whole tail alive.
    const { offset } = footer.properties;
    this.properties = decodeProperties(
      section(footer.properties, "properties").slice(),
      `The properties at offset ${offset} of ${what}`,
    );
    this.#filter = footer.filter.size === 0 ? undefined : section(footer.filter, "filter").slice();
    const { separators, handles } = decodeIndex(section(footer.index, "index"), indexOffset, what);
    this.#separators = separators;
    this.blocks = handles;
    this.usedBytes = bytes.length * 2 + handles.length * 96 + 512;
  }

  /** False: the table has no entry for a key of this hash. */
  mayContain(hash: number): boolean {
    return this.#filter === undefined || mayContain(this.#filter, hash);
  }

  /** The first block that may hold this key or a later one; blocks.length when there is none. */
  blockFor(key: Uint8Array, offset: number, length: number): number {
    return this.#separators.firstFrom(key, offset, length);
  }

  /** Whether the table deletes this key in older tables. */
  deletes(key: Uint8Array, offset: number, length: number): boolean {
    for (const { start, end } of this.properties.deletedRanges) {
      if (compareBytes(start, 0, start.length, key, offset, length) > 0) return false;
      if (compareBytes(end, 0, end.length, key, offset, length) > 0) return true;
    }
    return false;
  }
}

/** What every index is unfolded in: nothing of it is left once the index has been read. */
let unfolded = new DecodedBlock();
const LARGEST_KEPT_BYTES = 64 * 1024;

function decodeIndex(
  raw: Uint8Array,
  dataEnd: number,
  what: string,
): { separators: Separators; handles: BlockHandle[] } {
  const handles: BlockHandle[] = [];
  // A table of deleted ranges alone has no blocks: its index is the four bytes of "no restarts".
  if (raw.length === 4) return { separators: new Separators(new DecodedBlock()), handles };
  if (unfolded.usedBytes > LARGEST_KEPT_BYTES) unfolded = new DecodedBlock();
  const decoded = unfolded;
  // Separators are shortened keys: they may be shorter than any key.
  decoded.load(new Block(raw, 0, `The index at offset ${dataEnd} of ${what}`), 1);
  let end = 0;
  for (let index = 0; index < decoded.count; index++) {
    const handle = readHandle(decoded, index, what);
    if (handle.offset !== end || handle.offset + handle.size > dataEnd) {
      throw damaged(
        what,
        `its block ${index} is ${handle.size} bytes at ${handle.offset}, expected at ${end} and no end behind ${dataEnd}`,
      );
    }
    end = handle.offset + handle.size;
    handles.push(handle);
  }
  return { separators: new Separators(decoded), handles };
}

/** Where a data block stands, as entry `index` of the decoded index of a table says. */
export function readHandle(decoded: DecodedBlock, index: number, what: string): BlockHandle {
  const at = decoded.valueOffsets[index]!;
  const end = at + decoded.valueLengths[index]!;
  const reader = new ByteReader(decoded.bytes, at, end, `The index of ${what}`);
  const handle = { offset: reader.varint(), size: reader.varint() };
  reader.expectEnd();
  return handle;
}
