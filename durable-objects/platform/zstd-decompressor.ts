/**
 * A zstd stream of any number of frames: each has a decoder of its own, because workerd's takes one frame
 * and drops what stands behind it in the same write.
 */
import type { Decompressor } from "../inputs.ts";
import { ZlibDecompressor } from "./zlib-decompressor.ts";
import { ZstdFrames } from "./zstd-frames.ts";

export class ZstdDecompressor implements Decompressor {
  readonly #frames = new ZstdFrames();
  /** Of the frame at hand. */
  #decoder: ZlibDecompressor | undefined;

  async push(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    for (const part of this.#frames.cut(bytes)) {
      this.#decoder ??= ZlibDecompressor.ofZstdFrame();
      if (part.bytes.length > 0) pieces.push(...(await this.#decoder.push(part.bytes)));
      if (!part.endsFrame) continue;
      pieces.push(...(await this.#decoder.finish()));
      this.close();
    }
    return pieces;
  }

  async finish(): Promise<readonly Uint8Array[]> {
    if (!this.#frames.isBetweenFrames) throw new Error("it ends within a frame");
    return [];
  }

  close(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
  }
}
