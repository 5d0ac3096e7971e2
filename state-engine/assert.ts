/**
 * Always-on assertions for our own mistakes. A failing one is a bug in the engine or in the code that
 * calls it against its contract, never something the world did.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
