/**
 * Values as JSON texts, for people and for outputs. What JSON cannot express is shown as what comes
 * nearest: bigint as its digits, Map and Set as arrays, bytes in hexadecimal, NaN and ±Infinity as null.
 */
import { encodeHex } from "../state-engine/bytes/text.ts";

/** Throws TypeError for a value that has no JSON text at all: undefined, a function. */
export function toJsonText(value: unknown): string {
  const text = (isJson(value, 0) ? JSON.stringify(value) : JSON.stringify(value, replace)) as
    | string
    | undefined;
  if (text === undefined) {
    throw new TypeError(`A ${typeof value} has no JSON text. Use a value that JSON can express.`);
  }
  return text;
}

/** Deeper values, and cycles, are left to JSON.stringify. */
const MAXIMUM_DEPTH = 20;

/**
 * Whether there is nothing in `value` that JSON shows otherwise than replace() does. A look at every value costs
 * less than a call from JSON.stringify for each. False where it cannot be told: instances of classes.
 */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) {
    return typeof value !== "bigint" && typeof value !== "function";
  }
  if (depth === MAXIMUM_DEPTH) return false;
  if (Array.isArray(value)) return value.every((element) => isJson(element, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name in value) {
    if (!isJson((value as Readonly<Record<string, unknown>>)[name], depth + 1)) return false;
  }
  return true;
}

function replace(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Uint8Array) return encodeHex(value);
  return value;
}
