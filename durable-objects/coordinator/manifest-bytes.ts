/**
 * The complete bytes of the manifest that is being published, in SQLite before the first PUT [33]. In
 * parts, because one value may have at most 2 MB.
 */
import type { Coordination } from "./coordination.ts";
import { joined } from "./joined.ts";

const partBytes = 1024 * 1024;

/** Replaces what is there; inside a step. */
export function writeManifestBytes({ store }: Coordination, bytes: Uint8Array): void {
  store.write("DELETE FROM manifest_bytes");
  for (let part = 0; part * partBytes < bytes.length; part++) {
    const slice = bytes.slice(part * partBytes, (part + 1) * partBytes);
    store.write("INSERT INTO manifest_bytes (part, bytes) VALUES (?, ?)", part, slice);
  }
}

export function readManifestBytes({ store }: Coordination): Uint8Array {
  const parts = store.read<{ bytes: Uint8Array }>("SELECT bytes FROM manifest_bytes ORDER BY part");
  return joined(parts.map(({ bytes }) => bytes));
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
