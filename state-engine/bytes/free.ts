/**
 * Gives the memory of an array back at once, instead of at some garbage collection: buffers lie outside the
 * heap, and tens of megabytes of dead ones pass before a collection is due. Reading the array, or any view of
 * it, afterwards finds no bytes: only for one that nobody reads any more.
 */
export function freeBytes(bytes: Uint8Array | Uint32Array | Float64Array): void {
  const { buffer, byteLength } = bytes;
  // A view of a part: the rest is somebody else's. Runtimes without transfer() leave it to the collector.
  if (buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer)) return;
  if (typeof buffer.transfer === "function") buffer.transfer(0);
}
