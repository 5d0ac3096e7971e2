/**
 * Gives the memory of an array back at once, instead of at some garbage collection: buffers lie outside the
 * heap, and tens of megabytes of dead ones pass before a collection is due. Reading the array, or any view of
 * it, afterwards finds no bytes: only for one that nobody reads any more.
 */
export function freeBytes(bytes: NumberArray): void {
  // A view of a part: the rest is somebody else's.
  if (bytes.buffer.byteLength === bytes.byteLength) freeBuffer(bytes.buffer);
}

/** freeBytes() of a whole buffer, whatever views of it there are: only for who knows that nobody else has one. */
export function freeBuffer(buffer: ArrayBufferLike): void {
  if (!(buffer instanceof ArrayBuffer)) return;
  // Runtimes without transfer() leave it to the collector.
  if (typeof buffer.transfer === "function") buffer.transfer(0);
}

/** A copy with twice the room, in place of an array that nobody reads any more. */
export function doubledWords(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const doubled = new Uint32Array(words.length * 2);
  doubled.set(words);
  freeBytes(words);
  return doubled;
}

type NumberArray = Uint8Array | Uint32Array | Float64Array | BigUint64Array;
