/**
 * The engine's Environment in Node: real checksums and codecs of node:zlib, and a clock and dice that
 * the test decides.
 */
import * as zlib from "node:zlib";
import type { Environment, MemoryMember, MemoryPool } from "../../state-engine/environment.ts";
import { zlibCodecs } from "../../state-engine/index.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface NodeEnvironmentOptions {
  now(): number;
  readonly random: SeededRandom;
  /** Default: 80 MiB shared by nobody else. */
  readonly memory?: MemoryPool;
  /** A runtime without any codec. */
  readonly uncompressed?: boolean;
}

export function createNodeEnvironment(options: NodeEnvironmentOptions): Environment {
  const { random } = options;
  return {
    now: () => options.now(),
    random: () => random.next(),
    newId: () => random.hexadecimalId(),
    crc32: (bytes) => zlib.crc32(bytes),
    codecs: options.uncompressed === true ? {} : zlibCodecs(zlib),
    memory: options.memory ?? new TestMemoryPool(80 * 1024 * 1024),
  };
}

/** Divides the limit among the members that joined and did not leave. */
export class TestMemoryPool implements MemoryPool {
  readonly limitBytes: number;
  readonly #members = new Set<MemoryMember>();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  join(member: MemoryMember): void {
    this.#members.add(member);
  }

  leave(member: MemoryMember): void {
    this.#members.delete(member);
  }

  share(): number {
    return Math.floor(this.limitBytes / Math.max(1, this.#members.size));
  }
}
