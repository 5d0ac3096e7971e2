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
 * Not for class instances, functions, symbols or cycles: TypeError with the path to the value.
 */
import { ByteReader } from "../../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import { readUtf8, utf8MaxSize, writeUtf8 } from "../../state-engine/bytes/utf8.ts";
import type { Codec } from "./codec.ts";

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  negative: 5,
  float64: 6,
  text: 7,
  bigint: 8,
  bytes: 9,
  date: 10,
  array: 11,
  object: 12,
  map: 13,
  set: 14,
} as const;

/** Deeper values are refused: a cycle would never end. */
const MAXIMUM_DEPTH = 100;
const float = new DataView(new ArrayBuffer(8));
const floatBytes = new Uint8Array(float.buffer);

/** The codec for any value made of the types above. The default of every state. */
export function structuredCodec<T>(): Codec<T> {
  return structured as unknown as Codec<T>;
}

/** No tag is as large, and no JSON text begins with less: what the codec "json" wrote is read too. */
const FIRST_BYTE_OF_JSON = 0x20;

const structured: Codec<unknown> = {
  name: "structured",
  encode(value) {
    const writer = new ByteWriter(64);
    writeValue(writer, value, "value", 0);
    return writer.finish();
  },
  decode(bytes) {
    if (bytes.length > 0 && bytes[0]! >= FIRST_BYTE_OF_JSON) return JSON.parse(readUtf8(bytes));
    const reader = new ByteReader(bytes, 0, bytes.length, "A structured value");
    const value = readValue(reader);
    reader.expectEnd();
    return value;
  },
};

function writeValue(writer: ByteWriter, value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case "undefined":
      return writer.u8(TAG.undefined);
    case "boolean":
      return writer.u8(value ? TAG.true : TAG.false);
    case "number":
      return writeNumber(writer, value);
    case "string":
      return writeText(writer, TAG.text, value);
    case "bigint":
      return writeText(writer, TAG.bigint, value.toString());
    case "object":
      if (value === null) return writer.u8(TAG.null);
      if (depth === MAXIMUM_DEPTH) throw unstorable(path, `nested deeper than ${MAXIMUM_DEPTH}`);
      return writeObject(writer, value, path, depth + 1);
    default:
      throw unstorable(path, `a ${typeof value}`);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writer.u8(value < 0 ? TAG.negative : TAG.integer);
    writer.varint(value < 0 ? -1 - value : value);
    return;
  }
  writer.u8(TAG.float64);
  writeFloat(writer, value);
}

function writeFloat(writer: ByteWriter, value: number): void {
  float.setFloat64(0, value);
  writer.raw(floatBytes, 0, 8);
}

function writeText(writer: ByteWriter, tag: number | undefined, text: string): void {
  if (tag !== undefined) writer.u8(tag);
  const bytes = new Uint8Array(utf8MaxSize(text));
  const length = writeUtf8(text, bytes, 0);
  writer.varint(length);
  writer.raw(bytes, 0, length);
}

function writeObject(writer: ByteWriter, value: object, path: string, depth: number): void {
  if (Array.isArray(value)) {
    writer.u8(TAG.array);
    writer.varint(value.length);
    for (let index = 0; index < value.length; index++) {
      writeValue(writer, value[index], `${path}[${index}]`, depth);
    }
  } else if (value instanceof Uint8Array) {
    writer.u8(TAG.bytes);
    writer.slice(value);
  } else if (value instanceof Date) {
    writer.u8(TAG.date);
    writeFloat(writer, value.getTime());
  } else if (value instanceof Map) {
    writer.u8(TAG.map);
    writer.varint(value.size);
    for (const [key, entry] of value as Map<unknown, unknown>) {
      writeValue(writer, key, `a key of ${path}`, depth);
      writeValue(writer, entry, `an entry of ${path}`, depth);
    }
  } else if (value instanceof Set) {
    writer.u8(TAG.set);
    writer.varint(value.size);
    for (const entry of value as Set<unknown>) {
      writeValue(writer, entry, `a member of ${path}`, depth);
    }
  } else {
    writePlainObject(writer, value as Record<string, unknown>, path, depth);
  }
}

function writePlainObject(
  writer: ByteWriter,
  value: Record<string, unknown>,
  path: string,
  depth: number,
): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw unstorable(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  const keys = Object.keys(value);
  writer.u8(TAG.object);
  writer.varint(keys.length);
  for (const key of keys) {
    writeText(writer, undefined, key);
    writeValue(writer, value[key], `${path}.${key}`, depth);
  }
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
      return readUtf8(reader.slice());
    case TAG.bigint:
      return BigInt(readUtf8(reader.slice()));
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
      const entries: [string, unknown][] = [];
      for (let index = 0; index < count; index++) {
        entries.push([readUtf8(reader.slice()), readValue(reader)]);
      }
      return Object.fromEntries(entries);
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

function unstorable(path: string, what: string): TypeError {
  return new TypeError(
    `The codec "structured" cannot store ${path}: it is ${what}. ` +
      `Store plain objects, arrays, Map, Set, Date, Uint8Array, bigint and JSON values.`,
  );
}
