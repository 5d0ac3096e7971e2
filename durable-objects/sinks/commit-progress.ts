/**
 * How far a commit has come, as a sink keeps it: how many records the other side has confirmed, and
 * where the next one stands in the output.
 */
import type { JsonObject } from "../coordinator-queries.ts";
import type { SinkCommit } from "../coordinator/commits.ts";
import type { OutputPlace } from "./record-cursor.ts";

export type CommitProgress = {
  readonly checkpoint: number;
  readonly records: number;
  readonly place: OutputPlace;
};

/** What the state of a sink of this kind says of this commit; undefined when it is at its beginning. */
export function progressOf(
  { checkpoint, state }: SinkCommit,
  kind: string,
): CommitProgress | undefined {
  if (state?.["kind"] !== kind) return undefined;
  const progress = state["progress"] as CommitProgress | undefined;
  return progress?.checkpoint === checkpoint ? progress : undefined;
}

/** The layout of a commit; of the sink as it is now when the commit was noted by a sink of another kind. */
export function layoutOf<Layout>(commit: SinkCommit, kind: string, now: Layout): Layout {
  return commit.layout["kind"] === kind ? (commit.layout as unknown as Layout) : now;
}

/** What a sink of this definition has its commits noted with. */
export function notedLayout({ kind, layout }: { kind: string; layout: object }): JsonObject {
  return { kind, ...layout };
}
