/** Keys as they stand in URLs and answers, and the bytes they are stored under. */
import { keyGroupOf } from "../../dataflow/key-group.ts";
import { encodeKey } from "../../dataflow/keyed/stored-entry.ts";
import { hash32 } from "../../state-engine/index.ts";
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import { ProblemError } from "../http/problem.ts";

/** The key of a URL. Throws a 400 when it is not one of this type. */
export function encodeKeyText(keyType: KeyType, text: string): Uint8Array {
  if (keyType === "string") return encodeKey(keyType, text);
  const number = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number)) return encodeKey(keyType, number);
  throw new ProblemError({
    status: 400,
    title: "Not a key of this state",
    detail: `${JSON.stringify(text)} is not an integer within ±2^53, which the keys of this state are.`,
  });
}

/** A key as JSON text, as partitions answer it. */
export function encodeJsonKey(keyType: KeyType, json: string): Uint8Array {
  return encodeKey(keyType, JSON.parse(json));
}

export function keyGroupOfKey(key: Uint8Array, maxParallelism: number): number {
  return keyGroupOf(hash32(key, 0, key.length), maxParallelism);
}
