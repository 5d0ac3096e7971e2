/**
 * Results as files of NDJSON in an R2 bucket, exactly once: a file appears only after the checkpoint
 * that commits its records, under a key and with bytes that are the same in every attempt, and each
 * commit ends with a manifest that lists its files.
 */
import { checkBinding, checkSinkName, checkWholeNumber } from "./check-options.ts";
import { parsePathTemplate } from "./path-template.ts";
import type { R2FilesDefinition } from "./sink-definition.ts";

export interface R2FilesOptions {
  /** Names the sink among the outputs of the job, and in every key. */
  readonly name: string;
  /**
   * Directory of a record's file: segments that end with "/", the first without a placeholder.
   * `{field}` is a field of the record (`{customer.country}` of an object in it), `{date}` and `{hour}`
   * are the time of the commit in UTC, `{date:field}` and `{hour:field}` a time of the record, in
   * milliseconds since the epoch or as ISO 8601. Example: "events/{date:at}/{kind}/".
   */
  readonly path: string;
  /** Binding of the bucket. Default "BUCKET", the one that checkpoints are in unless `checkpoint.bucket` names another. */
  readonly bucket?: string;
  /** Default false. */
  readonly gzip?: boolean;
  /** A file is closed before it would exceed this, before compression: 64 KiB to 8 MiB. Default 8 MiB. */
  readonly rollBytes?: number;
  /**
   * Directories one commit fills, in order of their first record: 1 to 1,000, default 100. Records of
   * further ones go into "_other" below the first segment of the path, so that a field with many values does not become
   * as many files.
   */
  readonly maxPartitions?: number;
}

const mebibyte = 1024 * 1024;

/** Throws RangeError for an option that is not allowed. */
export function r2Files(options: R2FilesOptions): R2FilesDefinition {
  const {
    bucket = "BUCKET",
    gzip = false,
    maxPartitions = 100,
    name,
    path,
    rollBytes = 8 * mebibyte,
  } = options;
  checkSinkName(name);
  parsePathTemplate(name, path);
  const target = { bucket: checkBinding(name, "bucket", bucket) };
  const layout = {
    path,
    gzip,
    rollBytes: checkWholeNumber(name, "rollBytes", rollBytes, { from: 65_536, to: 8 * mebibyte }),
    maxPartitions: checkWholeNumber(name, "maxPartitions", maxPartitions, { from: 1, to: 1_000 }),
  };
  return { kind: "r2Files", name, target, layout };
}
