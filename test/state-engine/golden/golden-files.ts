/** Where golden files are and what contents.ndjson says of them, one checkpoint a line. */
import { fileURLToPath } from "node:url";

export const FIXTURES = fileURLToPath(new URL("../../fixtures/format-v1", import.meta.url));

/** Checkpoints in the middle of a compaction: version 2 says that tables show only a part of themselves. */
export const NARROWED_FIXTURES = fileURLToPath(
  new URL("../../fixtures/format-v2", import.meta.url),
);

export type { GoldenCheckpoint } from "./golden-checkpoint.ts";
