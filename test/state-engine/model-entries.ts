/**
 * What the map beside an engine holds: values by key, both in hexadecimal digits, and when they expire.
 */
import type { ScanPage } from "../../state-engine/index.ts";
import { ELEMENT_BYTES, LIST_STATE } from "./engine-fixture.ts";

export interface ModelValue {
  readonly value: string;
  readonly expiresAt: number;
}
export type Entries = Map<string, ModelValue>;
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

export function signed(bytes: Uint8Array): bigint {
  let value = bytes[0]! >= 0x80 ? -1n : 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** What has not expired, in order of key. */
export function sorted(model: Entries, time: number): [string, string][] {
  return [...model]
    .filter(([, { expiresAt }]) => expiresAt > time)
    .map(([name, { value }]): [string, string] => [name, alive(name, value, time)])
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

/** A list's elements that have not expired; other values as they are. Which expired ones are left is the engine's business. */
export function alive(name: string, value: string, time: number): string {
  if (name.slice(4, 8) !== LIST_STATE.toString(16).padStart(4, "0")) return value;
  const bytes = bytesOf(value);
  let kept = "";
  for (let at = 0; at < bytes.length; at += ELEMENT_BYTES) {
    const element = bytes.slice(at, at + ELEMENT_BYTES);
    if (new DataView(element.buffer).getFloat64(0) > time) kept += hex(element);
  }
  return kept;
}

export function named({ entries }: ScanPage, time: number): [string, string][] {
  return entries.map(({ key, value }) => [hex(key), alive(hex(key), hex(value), time)]);
}
