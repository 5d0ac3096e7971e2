/**
 * Frames that a barrier overtook, as bytes: they travel in the checkpoint and are applied first after a
 * restore. One list holds what was on its way to a partition and what was on its way from it (FORMAT.md).
 *
 * Promise: order is kept, frames come back byte by byte, and damaged bytes are refused.
 */
import { ByteReader } from "../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../state-engine/bytes/byte-writer.ts";
import type { Environment } from "../state-engine/environment.ts";
import { StateEngineError } from "../state-engine/errors.ts";

/** A frame or, without bytes, a mark: it only says what time it is at its place in the channel. */
export interface InFlightFrame {
  /** "in": on its way to the partition. "out": from it. */
  readonly direction: "in" | "out";
  /** The channel's other end: a source's number, or vertex/index. */
  readonly channel: string;
  readonly bytes: Uint8Array;
  /** Event time of the channel behind the frame; -Infinity while unknown. */
  readonly watermark: number;
  readonly arrivalTime: number;
  /** The channel does not hold event time back. */
  readonly isIdle: boolean;
}

const VERSION = 1;
const IS_OUT = 1;
const IS_IDLE = 2;
const CHECKSUM_BYTES = 4;

export function inFlightBytes(frames: readonly Pick<InFlightFrame, "bytes">[]): number {
  return frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

export function encodeInFlight(
  frames: readonly InFlightFrame[],
  { crc32 }: Pick<Environment, "crc32">,
): Uint8Array {
  const writer = new ByteWriter(inFlightBytes(frames) + frames.length * 64 + 64);
  const numbers = new DataView(new ArrayBuffer(16));
  writer.u8(VERSION);
  writer.varint(frames.length);
  for (const { direction, channel, bytes, watermark, arrivalTime, isIdle } of frames) {
    writer.u8((direction === "out" ? IS_OUT : 0) | (isIdle ? IS_IDLE : 0));
    writer.slice(new TextEncoder().encode(channel));
    numbers.setFloat64(0, watermark, true);
    numbers.setFloat64(8, arrivalTime, true);
    writer.raw(new Uint8Array(numbers.buffer), 0, 16);
    writer.slice(bytes);
  }
  const content = writer.bytes.subarray(0, writer.length);
  writer.u32(crc32(content));
  return writer.finish();
}

/** Throws StateEngineError: "corruption" for damaged bytes, "invalid" for a newer format. Frames own their buffers. */
export function decodeInFlight(
  bytes: Uint8Array,
  { crc32 }: Pick<Environment, "crc32">,
  name: string,
): InFlightFrame[] {
  const end = bytes.length - CHECKSUM_BYTES;
  const found = new ByteReader(bytes, Math.max(0, end), bytes.length, name).u32();
  if (found !== crc32(bytes.subarray(0, end))) {
    throw new StateEngineError("corruption", `${name} is damaged: its checksum does not match.`);
  }
  const reader = new ByteReader(bytes, 0, end, name);
  const version = reader.u8();
  if (version !== VERSION) {
    throw new StateEngineError(
      "invalid",
      `${name} has a format this code does not know: read it with the code that wrote it. format=${version} known=${VERSION}`,
    );
  }
  const frames: InFlightFrame[] = [];
  for (let left = reader.varint(); left > 0; left--) frames.push(readFrame(reader));
  reader.expectEnd();
  return frames;
}

function readFrame(reader: ByteReader): InFlightFrame {
  const flags = reader.u8();
  const channel = new TextDecoder().decode(reader.slice());
  const numbers = reader.raw(16);
  const view = new DataView(numbers.buffer, numbers.byteOffset, 16);
  return {
    direction: (flags & IS_OUT) === 0 ? "in" : "out",
    channel,
    watermark: view.getFloat64(0, true),
    arrivalTime: view.getFloat64(8, true),
    isIdle: (flags & IS_IDLE) !== 0,
    bytes: reader.slice().slice(),
  };
}
