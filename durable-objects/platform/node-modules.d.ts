/** What Weir uses of the Node modules that workerd brings; @types/node would also bring Node's globals. */
declare module "node:zlib" {
  export interface DecompressionTransform {
    write(bytes: Uint8Array, done: () => void): boolean;
    end(): void;
    destroy(): void;
    on(event: "data", listener: (piece: Uint8Array) => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    on(event: "end", listener: () => void): void;
  }
  export function createGunzip(options: { chunkSize: number }): DecompressionTransform;
  interface ZstdStreamOptions {
    readonly chunkSize: number;
    readonly params: Record<number, number>;
  }
  export function createZstdDecompress(options: ZstdStreamOptions): DecompressionTransform;
  export function crc32(bytes: Uint8Array | string, startsFrom?: number): number;
  interface DecompressOptions {
    readonly maxOutputLength: number;
    readonly chunkSize: number;
  }
  interface ZstdCompressOptions {
    readonly params: Record<number, number>;
    readonly pledgedSrcSize: number;
    readonly chunkSize: number;
  }
  export function zstdCompressSync(bytes: Uint8Array, options: ZstdCompressOptions): Uint8Array;
  export function zstdDecompressSync(bytes: Uint8Array, options: DecompressOptions): Uint8Array;
  export function deflateRawSync(bytes: Uint8Array, options: { chunkSize: number }): Uint8Array;
  export function inflateRawSync(bytes: Uint8Array, options: DecompressOptions): Uint8Array;
}

declare module "node:buffer" {
  /** Whether the bytes are valid UTF-8. */
  export function isUtf8(bytes: Uint8Array): boolean;
}
