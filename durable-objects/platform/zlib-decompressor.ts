// oxlint-disable-next-line typescript/triple-slash-reference -- It declares modules; importing it would stay in the bundle.
/// <reference path="./node-modules.d.ts" />
/**
 * The streaming codecs of node:zlib, which check sums and take several gzip members one after the other
 * for one text; of zstd they take one frame.
 *
 * Promise: bytes that are cut short, damaged, or go on behind the end are refused.
 */
import * as zlib from "node:zlib";
import type { Decompressor } from "../inputs.ts";

/** Decompressed bytes in one piece. */
const pieceBytes = 256 * 1024;
/** ZSTD_d_windowLogMax: a frame may look back 32 MiB; what --ultra and --long make would not fit in memory. */
const zstdParameters = { 100: 25 };

export class ZlibDecompressor implements Decompressor {
  readonly #stream: zlib.DecompressionTransform;
  #pieces: Uint8Array[] = [];
  /** Of the call under way. */
  #settle: { resolve(): void; reject(error: Error): void } | undefined;
  #error: Error | undefined;
  #hasEnded = false;

  private constructor(stream: zlib.DecompressionTransform) {
    this.#stream = stream;
    stream.on("data", (piece) => {
      // A view of a buffer that the codec uses on.
      this.#pieces.push(new Uint8Array(piece));
    });
    stream.on("error", (error) => {
      this.#error = error;
      this.#settle?.reject(error);
    });
    // A codec that meets something else behind the end of its format ends by itself.
    stream.on("end", () => {
      this.#hasEnded = true;
      this.#settle?.resolve();
    });
  }

  static ofGzip(): ZlibDecompressor {
    return new ZlibDecompressor(zlib.createGunzip({ chunkSize: pieceBytes }));
  }

  static ofZstdFrame(): ZlibDecompressor {
    return new ZlibDecompressor(
      zlib.createZstdDecompress({ chunkSize: pieceBytes, params: zstdParameters }),
    );
  }

  async push(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const pieces = await this.#call((done) => this.#stream.write(bytes, done));
    this.#refuseBytesBehindEnd();
    return pieces;
  }

  async finish(): Promise<readonly Uint8Array[]> {
    this.#refuseBytesBehindEnd();
    return await this.#call(() => this.#stream.end());
  }

  close(): void {
    this.#stream.destroy();
  }

  #refuseBytesBehindEnd(): void {
    if (this.#hasEnded) throw new Error("other bytes stand behind the end of the compressed text");
  }

  async #call(begin: (done: () => void) => void): Promise<readonly Uint8Array[]> {
    if (this.#error !== undefined) throw this.#error;
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    this.#settle = { resolve, reject };
    begin(resolve);
    await promise;
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}
