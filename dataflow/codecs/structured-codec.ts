/**
 * A superset of JSON in a compact binary form: also undefined, NaN, ±Infinity, -0, bigint, Date,
 * Map, Set and Uint8Array, at any depth. Order of object keys, Map and Set entries is kept.
 *
 * Bytes: a tag, then its content. 0 undefined; 1 null; 2 false; 3 true; 4 non-negative safe integer
 * (varint); 5 negative safe integer (varint of -1 - value); 6 float64 (big-endian); 7 text (length,
 * UTF-8); 8 bigint (text of its decimal digits as in 7); 9 bytes (length, bytes); 10 Date (float64);
 * 11 array (count, values); 12 object (count, then key as in 7 and value); 13 Map (count, key and
 * value); 14 Set (count, values). Lengths and counts are LEB128 varints.
 *
 * Bytes that are none of this end in a StateEngineError of kind "corruption".
 *
 * Not for class instances, functions, symbols or cycles: TypeError with the path to the value.
 */
import { ByteReader } from "../../state-engine/bytes/byte-reader.ts";
import { readUtf8 } from "../../state-engine/bytes/utf8.ts";
import { StateEngineError } from "../../state-engine/index.ts";
import type { Codec } from "./codec.ts";
import { TAG } from "./structured-tags.ts";
import { encodeStructured } from "./structured-writer.ts";
import { TextCache } from "./text-cache.ts";

/** No tag is as large, and no JSON text begins with less: what the codec "json" wrote is read too. */
const FIRST_BYTE_OF_JSON = 0x20;
const names = new TextCache({ areNames: true });
const texts = new TextCache();
const readName = (bytes: Uint8Array, from: number, to: number): string =>
  names.read(bytes, from, to);
const readText = (bytes: Uint8Array, from: number, to: number): string =>
  texts.read(bytes, from, to);

/** The codec for any value made of the types above. The default of every state. */
export function structuredCodec<T>(): Codec<T> {
  return structured as unknown as Codec<T>;
}

const structured: Codec<unknown> = {
  name: "structured",
  encode: encodeStructured,
  decode(bytes) {
    try {
      return decodeStructured(bytes);
    } catch (cause) {
      if (cause instanceof StateEngineError) throw cause;
      // Digits that are none, JSON that is none, nesting deeper than the stack: what encode never wrote.
      throw new StateEngineError(
        "corruption",
        `A structured value of ${bytes.length} bytes is damaged, expected one that was written here: ${String(cause)}`,
        { cause },
      );
    }
  },
};

function decodeStructured(bytes: Uint8Array): unknown {
  if (bytes.length > 0 && bytes[0]! >= FIRST_BYTE_OF_JSON) return JSON.parse(readUtf8(bytes));
  const reader = new ByteReader(bytes, 0, bytes.length, "A structured value");
  const value = readValue(reader);
  reader.expectEnd();
  return value;
}

function readValue(reader: ByteReader): unknown {
  const tag = reader.u8();
  switch (tag) {
    case TAG.undefined:
      return undefined;
    case TAG.null:
      return null;
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.integer:
      return reader.varint();
    case TAG.negative:
      return -1 - reader.varint();
    case TAG.float64:
      return readFloat(reader);
    case TAG.text:
      return reader.text(readText);
    case TAG.bigint:
      return BigInt(reader.text());
    case TAG.bytes:
      return reader.slice().slice();
    case TAG.date:
      return new Date(readFloat(reader));
    default:
      return readContainer(reader, tag);
  }
}

function readContainer(reader: ByteReader, tag: number): unknown {
  const count = reader.varint();
  switch (tag) {
    case TAG.array: {
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) values.push(readValue(reader));
      return values;
    }
    case TAG.object: {
      const object: Record<string, unknown> = {};
      for (let index = 0; index < count; index++) {
        const name = reader.text(readName);
        const value = readValue(reader);
        if (name === "__proto__") setOwn(object, name, value);
        else object[name] = value;
      }
      return object;
    }
    case TAG.map: {
      const map = new Map<unknown, unknown>();
      for (let index = 0; index < count; index++) map.set(readValue(reader), readValue(reader));
      return map;
    }
    case TAG.set: {
      const set = new Set<unknown>();
      for (let index = 0; index < count; index++) set.add(readValue(reader));
      return set;
    }
    default:
      throw new RangeError(
        `A structured value has the unknown tag ${tag}: it was not written here.`,
      );
  }
}

function readFloat(reader: ByteReader): number {
  const bytes = reader.raw(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
}

/** Assigning to __proto__ would change the prototype. */
function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
