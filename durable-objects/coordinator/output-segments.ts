/**
 * Output as acknowledgements bring it and as rows keep it [7]. Pure.
 */
import type { OutputInterval, Upload } from "../messages.ts";

/** One interval of one task as a row keeps it; inline ones follow each other in the row's bytes. */
export interface StoredSegment {
  readonly records: number;
  readonly size: number;
  readonly path?: string;
}

/** Output of one acknowledgement: `bytes` holds its inline intervals one after the other. */
export interface AcknowledgedOutput {
  readonly segments: readonly StoredSegment[];
  readonly bytes: Uint8Array;
}

/** What of an acknowledgement's output counts: an interval up to the base was committed with it [7]. */
export function outputAfter(base: number, intervals: readonly OutputInterval[]): OutputInterval[] {
  return intervals
    .filter(({ checkpoint }) => checkpoint > base)
    .toSorted((left, right) => left.checkpoint - right.checkpoint);
}

/** Objects that hold output. */
export function outputObjects(
  output: readonly (OutputInterval | StoredSegment)[],
): { readonly path: string; readonly size: number }[] {
  return output.flatMap((one) => {
    const place = "data" in one ? one.data : one;
    return "path" in place && place.path !== undefined
      ? [{ path: place.path, size: place.size }]
      : [];
  });
}

/** Everything an acknowledgement hands over: objects of tables and of output. */
export function namedObjects(acknowledgement: {
  readonly uploads: readonly Upload[];
  readonly output: readonly (OutputInterval | StoredSegment)[];
}): readonly Upload[] {
  return [...acknowledgement.uploads, ...outputObjects(acknowledgement.output)];
}
