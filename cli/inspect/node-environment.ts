/** The engine's Environment for reading on the command line: checksums and codecs of node:zlib. */
import { randomUUID } from "node:crypto";
import * as zlib from "node:zlib";
import type { Environment } from "../../state-engine/environment.ts";
import { SharedMemoryPool, zlibCodecs } from "../../state-engine/index.ts";

export function nodeEnvironment(): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => randomUUID().replaceAll("-", ""),
    crc32: (bytes) => zlib.crc32(bytes),
    codecs: zlibCodecs(zlib),
    memory: new SharedMemoryPool(),
  };
}
