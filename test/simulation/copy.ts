/**
 * A value as a call between objects carries it: a copy, what structured clone would make of it. Plain
 * data is copied here, several times faster; anything else is left to structuredClone, which refuses
 * functions and what else cannot travel. Whole buffers travel, so a view of a larger one stays visible.
 */
export function copyOf<Value>(value: Value): Value {
  return copyAny(value) as Value;
}

function copyAny(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol"
      ? structuredClone(value)
      : value;
  }
  if (Array.isArray(value)) return value.map(copyAny);
  if (value instanceof Uint8Array) return copyBytes(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) copy[name] = copyAny(member);
  return copy;
}

/** A new buffer of the same size as the one below, and the same view of it. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  const buffer = bytes.buffer.slice(0);
  return new Uint8Array(buffer, bytes.byteOffset, bytes.byteLength);
}
