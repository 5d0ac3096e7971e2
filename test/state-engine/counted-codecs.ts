/** The platform's codecs, and how many blocks they decompressed: stored compressed, then read. */
import * as zlib from "node:zlib";
import { zlibCodecs } from "../../state-engine/index.ts";
import type { Compression, CompressionName } from "../../state-engine/index.ts";

export interface CountedCodecs {
  readonly codecs: Record<CompressionName, Compression>;
  readonly decompressed: () => number;
}

export function countedCodecs(): CountedCodecs {
  const { zstd, "deflate-raw": deflate } = zlibCodecs(zlib);
  let count = 0;
  const counted = (codec: Compression): Compression => ({
    ...codec,
    decompress(bytes, rawSize) {
      count++;
      return codec.decompress(bytes, rawSize);
    },
  });
  const codecs = { zstd: counted(zstd), "deflate-raw": counted(deflate) };
  return { codecs, decompressed: () => count };
}
