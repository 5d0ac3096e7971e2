/**
 * In-flight frames between the partition's queues and the checkpoint: what a barrier overtook becomes
 * a reference in the acknowledgement, small ones inline, and comes back before a restore.
 */
import {
  decodeInFlight,
  encodeInFlight,
  inFlightBytes,
  type InFlightFrame,
} from "../../dataflow/in-flight-frames.ts";
import type { Overtaken } from "../../dataflow/keyed/apply-loop.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { decodeBase64, encodeBase64 } from "../../state-engine/bytes/text.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { StateEngineError } from "../../state-engine/index.ts";
import type { InFlightReference } from "../../state-engine/manifest/manifest.ts";
import type { QueuedBarrier, QueuedFrame } from "./incoming-host.ts";

/** Encoded frames up to this size travel inside the manifest. */
const INLINE_LIMIT_BYTES = 20 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * In the order of their turns, which is that of each channel too: a channel that wakes up holds event time back
 * only from its first frame on. What the barriers themselves say of time comes last [13].
 */
export function overtakenFrames(
  overtaken: readonly Overtaken<QueuedFrame, QueuedBarrier>[],
): readonly InFlightFrame[] {
  const direction = "in" as const;
  const frames = overtaken.flatMap(({ barrier: { channel }, frames: before, turns }) =>
    before.map(({ frame }, index) => ({
      turn: turns[index]!,
      frame: {
        direction,
        channel,
        bytes: frame.bytes,
        watermark: frame.watermark,
        arrivalTime: frame.arrivalTime,
        isIdle: frame.isIdle ?? false,
      },
    })),
  );
  frames.sort((left, right) => left.turn - right.turn);
  const marks = overtaken.flatMap(({ barrier, frames: before }): InFlightFrame[] => {
    const { channel, watermark, isIdle = false } = barrier;
    if (before.length === 0 || (watermark === -Infinity && !isIdle)) return [];
    return [{ direction, channel, bytes: NO_BYTES, watermark, arrivalTime: 0, isIdle }];
  });
  return [...frames.map(({ frame }) => frame), ...marks];
}

/** Where encoded frames go that are not small. */
export interface InFlightUploads {
  /** Noted before it is answered [10]. */
  newPath(): string;
  put(path: string, bytes: Uint8Array): Promise<void>;
}

/** Frames of one checkpoint on their way into storage: encoded once, put under one path however often that is tried. */
export class InFlightUpload {
  readonly #frames: readonly InFlightFrame[];
  readonly #encoded: Uint8Array;
  readonly #uploads: InFlightUploads;
  #path: string | undefined;

  constructor(
    frames: readonly InFlightFrame[],
    uploads: InFlightUploads,
    environment: Pick<Environment, "crc32">,
  ) {
    this.#frames = frames;
    this.#uploads = uploads;
    this.#encoded = encodeInFlight(frames, environment);
  }

  /** The object that was or may have been written. */
  get object(): { readonly path: string; readonly size: number } | undefined {
    return this.#path === undefined ? undefined : { path: this.#path, size: this.#encoded.length };
  }

  /** Bytes this adds to the checkpoint. */
  get size(): number {
    return this.#encoded.length;
  }

  /** Throws what a put throws. */
  async write(): Promise<InFlightReference> {
    const facts = { frames: this.#frames.length, bytes: inFlightBytes(this.#frames) };
    if (this.#encoded.length <= INLINE_LIMIT_BYTES) {
      return { ...facts, data: { inline: encodeBase64(this.#encoded) } };
    }
    this.#path ??= this.#uploads.newPath();
    await this.#uploads.put(this.#path, this.#encoded);
    return { ...facts, data: { path: this.#path, size: this.#encoded.length } };
  }
}

/** Throws StateEngineError: "unavailable" when the object cannot be read or is gone, "corruption" when it is damaged. */
export async function readInFlight(
  { data }: InFlightReference,
  blobStore: Pick<BlobStore, "get">,
  environment: Pick<Environment, "crc32">,
): Promise<readonly InFlightFrame[]> {
  if ("inline" in data) {
    return decodeInFlight(decodeBase64(data.inline), environment, "The list of in-flight frames");
  }
  const bytes = await blobStore.get(data.path);
  if (bytes === undefined) {
    throw new StateEngineError("unavailable", `The in-flight frames at ${data.path} are gone.`);
  }
  return decodeInFlight(bytes, environment, `The list of in-flight frames at ${data.path}`);
}
