/** What a harness is restored from, as bytes. */
import { structuredCodec } from "../codecs/structured-codec.ts";

export interface HarnessSnapshot {
  readonly watermark: number;
  readonly processingTime: number;
  readonly stateIds: ReadonlyMap<string, number>;
  /** A saved MemoryStateStore. */
  readonly entries: Uint8Array;
}

const codec = structuredCodec<HarnessSnapshot>();

export function encodeSnapshot(snapshot: HarnessSnapshot): Uint8Array {
  return codec.encode(snapshot);
}

export function decodeSnapshot(bytes: Uint8Array): HarnessSnapshot {
  return codec.decode(bytes);
}
