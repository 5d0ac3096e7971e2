/**
 * How values become bytes, in state and on channels. A codec has a name, recorded with every state
 * that uses it, so that a changed job can be checked against what is stored.
 *
 * Promise: decode(encode(value)) equals value, and a codec's bytes never change under the same name.
 */
import type { CodecSchema } from "../../state-engine/manifest/state-schema.ts";

export interface Codec<T> {
  /** Recorded in state schemas. Two codecs with the same name (and schema) read each other's bytes. */
  readonly name: string;
  /** Of a codec with parts: what they are. Recorded in place of the name. */
  readonly schema?: CodecSchema;
  /** A fresh array. Throws TypeError when the value is not one of this codec. */
  encode(value: T): Uint8Array;
  /** The bytes are not kept. Throws when they are not of this codec. */
  decode(bytes: Uint8Array): T;
}

/** The type of the values of a codec. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

/** A TypeError that says what was given, shortened, and what to give instead. */
export function wrongValue(codec: string, value: unknown, wanted: string): TypeError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
  return new TypeError(
    `The codec "${codec}" cannot store ${shown} (${typeof value}). Give it ${wanted}, ` +
      `or declare the state with another codec, such as codecs.structured().`,
  );
}
