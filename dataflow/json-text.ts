/**
 * Values as JSON texts, for people and for outputs. What JSON cannot express is shown as what comes
 * nearest: bigint as its digits, Map and Set as arrays, bytes in hexadecimal.
 */
import { encodeHex } from "../state-engine/bytes/text.ts";

/** Throws TypeError for a value that has no JSON text at all: undefined, a function. */
export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value, replace) as string | undefined;
  if (text === undefined) {
    throw new TypeError(`A ${typeof value} has no JSON text. Use a value that JSON can express.`);
  }
  return text;
}

function replace(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Uint8Array) return encodeHex(value);
  return value;
}
