/**
 * The codecs of plain values. Bytes: text is UTF-8, bytes are themselves, int64 is the shortest
 * two's complement (what the engine's int64 addition reads), float64 is IEEE 754 big-endian, json is
 * the text of JSON.stringify.
 *
 * float64 also reads what int64 wrote: a safe integer takes 1 to 7 bytes there, a float64 always 8.
 */
import { decodeInt64, encodeInt64 } from "../../state-engine/index.ts";
import { readUtf8, utf8MaxSize, writeUtf8 } from "../../state-engine/bytes/utf8.ts";
import { wrongValue, type Codec } from "./codec.ts";

export const textCodec: Codec<string> = {
  name: "text",
  encode(value) {
    if (typeof value !== "string") throw wrongValue("text", value, "a string");
    const bytes = new Uint8Array(utf8MaxSize(value));
    return bytes.slice(0, writeUtf8(value, bytes, 0));
  },
  decode: (bytes) => readUtf8(bytes),
};

export const bytesCodec: Codec<Uint8Array> = {
  name: "bytes",
  encode(value) {
    if (!(value instanceof Uint8Array)) throw wrongValue("bytes", value, "a Uint8Array");
    return value.slice();
  },
  decode: (bytes) => bytes.slice(),
};

/** Whole numbers within ±(2^53 - 1). Decoding a stored sum beyond that throws instead of rounding. */
export const int64Codec: Codec<number> = {
  name: "int64",
  encode(value) {
    if (!Number.isSafeInteger(value)) {
      throw wrongValue("int64", value, "a whole number within ±(2^53 - 1)");
    }
    return encodeInt64(value);
  },
  decode(bytes) {
    const value = decodeInt64(bytes);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw new RangeError(
        `The stored integer ${value} is beyond ±(2^53 - 1) and a number cannot hold it exactly.`,
      );
    }
    return number;
  },
};

export const float64Codec: Codec<number> = {
  name: "float64",
  encode(value) {
    if (typeof value !== "number") throw wrongValue("float64", value, "a number");
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value);
    return bytes;
  },
  decode(bytes) {
    if (bytes.length > 0 && bytes.length < 8) return int64Codec.decode(bytes);
    if (bytes.length !== 8) {
      throw new RangeError(`A float64 takes 8 bytes, these are ${bytes.length}.`);
    }
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
  },
};

/** Values as JSON.stringify sees them: what it drops (undefined, Map, Date as a date) is lost here too. */
export function jsonCodec<T>(): Codec<T> {
  return {
    name: "json",
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw wrongValue("json", value, "a value that JSON can express");
      return textCodec.encode(text);
    },
    decode: (bytes) => JSON.parse(textCodec.decode(bytes)) as T,
  };
}
