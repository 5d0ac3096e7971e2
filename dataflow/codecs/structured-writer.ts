/**
 * Writes values in the structured form, which structured-codec.ts describes and reads.
 *
 * Promise: nothing is allocated for a value but its bytes; the path to a value that cannot be stored is put
 * together only when there is one.
 */
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import { TAG } from "./structured-tags.ts";

/** Deeper values are refused: a cycle would never end. */
const MAXIMUM_DEPTH = 100;
/** A writer that has grown beyond this is not kept for the next value. */
const LARGEST_KEPT_BYTES = 64 * 1024;
const float = new DataView(new ArrayBuffer(8));
const floatBytes = new Uint8Array(float.buffer);

/** What stands around the value at hand: a field, a place in an array, or what it is to a Map or Set. */
type Step = string | number | { readonly of: string };
const KEY: Step = { of: "a key of" };
const ENTRY: Step = { of: "an entry of" };
const MEMBER: Step = { of: "a member of" };

/** Not in use; a getter of the value may itself encode something. */
let idle: StructuredWriter | undefined = undefined;

/** Fresh bytes. Throws TypeError with the path to what cannot be stored. */
export function encodeStructured(value: unknown): Uint8Array {
  const writer = idle ?? new StructuredWriter();
  idle = undefined;
  const bytes = writer.encode(value);
  if (writer.capacity <= LARGEST_KEPT_BYTES) idle = writer;
  return bytes;
}

class StructuredWriter {
  readonly #writer = new ByteWriter(1024);
  readonly #path: Step[] = [];

  get capacity(): number {
    return this.#writer.bytes.length;
  }

  /** Not to be used again after a throw. */
  encode(value: unknown): Uint8Array {
    const writer = this.#writer;
    writer.length = 0;
    this.#value(value);
    return writer.bytes.slice(0, writer.length);
  }

  #value(value: unknown): void {
    const writer = this.#writer;
    switch (typeof value) {
      case "undefined":
        return writer.u8(TAG.undefined);
      case "boolean":
        return writer.u8(value ? TAG.true : TAG.false);
      case "number":
        return this.#number(value);
      case "string":
        writer.u8(TAG.text);
        return writer.text(value);
      case "bigint":
        writer.u8(TAG.bigint);
        return writer.text(value.toString());
      case "object":
        if (value === null) return writer.u8(TAG.null);
        if (this.#path.length === MAXIMUM_DEPTH) {
          throw this.#unstorable(`nested deeper than ${MAXIMUM_DEPTH}`);
        }
        return this.#object(value);
      default:
        throw this.#unstorable(`a ${typeof value}`);
    }
  }

  #number(value: number): void {
    const writer = this.#writer;
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      writer.u8(value < 0 ? TAG.negative : TAG.integer);
      writer.varint(value < 0 ? -1 - value : value);
      return;
    }
    writer.u8(TAG.float64);
    this.#float(value);
  }

  #float(value: number): void {
    float.setFloat64(0, value);
    this.#writer.raw(floatBytes, 0, 8);
  }

  #object(value: object): void {
    const writer = this.#writer;
    if (Array.isArray(value)) {
      writer.u8(TAG.array);
      writer.varint(value.length);
      for (let index = 0; index < value.length; index++) this.#part(index, value[index]);
    } else if (value instanceof Uint8Array) {
      writer.u8(TAG.bytes);
      writer.slice(value);
    } else if (value instanceof Date) {
      writer.u8(TAG.date);
      this.#float(value.getTime());
    } else if (value instanceof Map) {
      writer.u8(TAG.map);
      writer.varint(value.size);
      for (const [key, entry] of value as Map<unknown, unknown>) {
        this.#part(KEY, key);
        this.#part(ENTRY, entry);
      }
    } else if (value instanceof Set) {
      writer.u8(TAG.set);
      writer.varint(value.size);
      for (const member of value as Set<unknown>) this.#part(MEMBER, member);
    } else {
      this.#plainObject(value as Record<string, unknown>);
    }
  }

  #plainObject(value: Record<string, unknown>): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (
      prototype !== Object.prototype &&
      prototype !== null &&
      Object.getPrototypeOf(prototype) !== null
    ) {
      throw this.#unstorable(`an instance of ${value.constructor?.name ?? "a class"}`);
    }
    const writer = this.#writer;
    const keys = Object.keys(value);
    writer.u8(TAG.object);
    writer.varint(keys.length);
    for (const key of keys) {
      writer.text(key);
      this.#part(key, value[key]);
    }
  }

  #part(step: Step, value: unknown): void {
    this.#path.push(step);
    this.#value(value);
    this.#path.pop();
  }

  #unstorable(what: string): TypeError {
    return new TypeError(
      `The codec "structured" cannot store ${pathText(this.#path)}: it is ${what}. ` +
        `Store plain objects, arrays, Map, Set, Date, Uint8Array, bigint and JSON values.`,
    );
  }
}

function pathText(path: readonly Step[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "object") return `${step.of} ${text}`;
    return typeof step === "number" ? `${text}[${step}]` : `${text}.${step}`;
  }, "value");
}
