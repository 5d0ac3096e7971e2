// oxlint-disable-next-line typescript/triple-slash-reference -- It declares modules; importing it would stay in the bundle.
/// <reference path="./node-modules.d.ts" />
/**
 * The engine's Environment in workerd: its clock and dice, checksums and codecs of node:zlib, and one
 * memory pool for everything alive in the isolate (objects of all classes share its 128 MiB) [31].
 */
import * as zlib from "node:zlib";
import type { Environment } from "../../state-engine/environment.ts";
import { DEFAULT_POOL_BYTES, SharedMemoryPool, zlibCodecs } from "../../state-engine/index.ts";

const memory = new SharedMemoryPool(DEFAULT_POOL_BYTES);

export const workerEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  newId: () => crypto.randomUUID().replaceAll("-", ""),
  crc32: (bytes) => zlib.crc32(bytes),
  codecs: zlibCodecs(zlib),
  memory,
};
