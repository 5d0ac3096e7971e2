/** The codecs a job may name, in one place. */
import { bytesCodec, float64Codec, int64Codec, jsonCodec, textCodec } from "./plain-codecs.ts";
import { recordCodec } from "./record-codec.ts";
import { structuredCodec } from "./structured-codec.ts";

export const codecs = {
  text: textCodec,
  bytes: bytesCodec,
  int64: int64Codec,
  float64: float64Codec,
  json: jsonCodec,
  structured: structuredCodec,
  record: recordCodec,
} as const;
