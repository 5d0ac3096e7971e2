/**
 * What the engine needs of the world, passed in so that the same code runs in workerd, Node and a
 * browser, and so that a simulation can decide every value.
 *
 * Promise: nothing in state-engine/ or dataflow/ reads a clock, rolls a die or names a platform
 * except through this object.
 */
export interface Environment {
  /** Milliseconds since the epoch. May stand still while code runs (it does in deployed Workers). */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A name never handed out before: 16 lower-case hexadecimal digits or more. */
  newId(): string;
  /** CRC-32 (IEEE 802.3, as in zlib) of the bytes, as an unsigned 32-bit integer. */
  crc32(bytes: Uint8Array): number;
  /** The block codecs this runtime has. "none" is always available and needs no entry. */
  readonly codecs: Partial<Record<CompressionName, Compression>>;
  /** The memory shared by every engine and channel of this isolate. */
  readonly memory: MemoryPool;
}

export type CompressionName = "deflate-raw" | "zstd";

/** A synchronous block codec. `decompress` throws on damaged input or when `rawSize` is not met. */
export interface Compression {
  compress(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, rawSize: number): Uint8Array;
  /** What compresses instead where this codec cannot; the codec it is named after reads it. */
  readonly forLarger?: LargerCompression;
}

export interface LargerCompression {
  /** Longest input, bytes, that is still left to the codec itself. */
  readonly aboveBytes: number;
  readonly name: CompressionName;
  compress(bytes: Uint8Array): Uint8Array;
}

/**
 * One budget of bytes for everything alive in an isolate. Objects that lose their memory are never
 * told, so a pool holds its members weakly and forgets those that were collected.
 */
export interface MemoryPool {
  readonly limitBytes: number;
  /** Adds a member; its share is the limit divided by the members alive. */
  join(member: MemoryMember): void;
  leave(member: MemoryMember): void;
  /** Bytes one member may use at this moment. */
  share(): number;
}

export interface MemoryMember {
  /** Bytes held right now. */
  readonly usedBytes: number;
}
