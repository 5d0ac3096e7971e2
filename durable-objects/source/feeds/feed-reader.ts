/**
 * What a feed of one kind knows: what comes next. Durable progress in, steps out; a step counts only
 * once its lines and its progress are in one transaction, so a reader begun anew from the progress goes
 * on exactly there.
 */
import type { LineSegment } from "../../lines/segments-of-text.ts";
import type { Sql } from "../../object-context.ts";

export interface FeedReader {
  /** One step of bounded work. Called again only when the step before is durable. */
  next(): Promise<FeedStep>;
  /** For people. */
  describe(): Readonly<Record<string, string | number | null>>;
  /** Lets go of what is open. */
  close(): void;
}

export interface FeedStep {
  /** In this order into the log, all or none. */
  readonly segments: readonly LineSegment[];
  /** Plain JSON data; undefined: as before. */
  readonly progress?: object;
  /** Writes rows of the feed's own in the same transaction, and answers how many. */
  readonly alsoWrite?: (sql: Sql) => number;
  /** Bytes read or skipped for it: slices of work are bounded by them [32]. */
  readonly cost: number;
  readonly next: "again" | "end" | { readonly waitUntil: number };
}

/** The feed cannot go on, and no restart of the job would change that: people have to. */
export class FeedFailure extends Error {
  override readonly name = "FeedFailure";
}

/** Something outside (a bucket, a URL) did not answer: it is worth asking again. */
export class NotAnswered extends Error {
  override readonly name = "NotAnswered";
}
