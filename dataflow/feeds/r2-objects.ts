/**
 * The lines of all objects under a prefix of an R2 bucket: plain text, gzip or zstd, known by the
 * extension (.gz, .gzip, .zst, .zstd) or the content encoding. Each object is read by one source.
 *
 *     job("archive").from(r2Objects({ prefix: "logs/2026/" })).lines()
 *
 * Without `watch` the objects are listed once, and the feed ends with the last of them.
 */
import { checkFeedName, checkInteger } from "./check-feed.ts";
import type { R2Objects } from "./feed.ts";

export interface R2ObjectsOptions {
  /** Objects whose key begins so; "" for all. */
  readonly prefix: string;
  /** Name of the R2 binding in wrangler.toml. Default: "BUCKET", which also holds the job's state unless `checkpoint.bucket` names another. */
  readonly bucket?: string;
  /** Goes on looking for new objects. Each look lists the whole prefix. At least every second. */
  readonly watch?: { readonly everyMs: number };
  /** What an object does that is not UTF-8, has too long a line or is damaged. Default: "fail". */
  readonly onBroken?: "fail" | "skip";
  /** Of the feed's progress. Default: "objects". */
  readonly name?: string;
}

export function r2Objects(options: R2ObjectsOptions): R2Objects {
  const { prefix, bucket = "BUCKET", watch, onBroken = "fail", name = "objects" } = options;
  if (onBroken !== "fail" && onBroken !== "skip") {
    throw new RangeError(`onBroken is ${JSON.stringify(onBroken)}. Write "fail" or "skip".`);
  }
  const everyMs = watch?.everyMs;
  if (everyMs !== undefined) {
    checkInteger("watch.everyMs", everyMs, { least: 1_000, most: 86_400_000 });
  }
  return {
    kind: "r2Objects",
    name: checkFeedName(name),
    prefix,
    bucket,
    watchEveryMs: everyMs,
    onBroken,
  };
}
