/**
 * Where the lines of a job's log come from, as plain data plus the user's functions. Each feed of a job
 * has a name: its progress is matched by it across deploys. What a feed reads enters the log once, and
 * the log stays the only thing that is ever replayed.
 */
import type { JobGraph } from "../job-graph.ts";

export type Feed = PostedLines | R2Objects | Generator | Poll | QueueMessages;

/** Lines that clients send: POST and WebSocket. Never ends by itself. */
export interface PostedLines {
  readonly kind: "postedLines";
  readonly name: string;
}

export interface R2Objects {
  readonly kind: "r2Objects";
  readonly name: string;
  readonly prefix: string;
  /** Name of the bucket's binding. */
  readonly bucket: string;
  /** How often new objects are looked for; undefined: never, the feed ends with the objects of the first listing. */
  readonly watchEveryMs: number | undefined;
  /** "skip": the rest of an object that cannot be read is left out and counted. */
  readonly onBroken: "fail" | "skip";
}

export interface Generator {
  readonly kind: "generator";
  readonly name: string;
  readonly create: (index: number) => string | object;
  /** Records in all; undefined: without end. */
  readonly count: number | undefined;
  /** Over all sources; undefined: as fast as the log takes them. */
  readonly ratePerSecond: number | undefined;
}

export interface Poll {
  readonly kind: "poll";
  readonly name: string;
  readonly everyMs: number;
  readonly request: string | PollFunction;
}

export interface PollContext {
  /** Number of the tick, from 0; ticks that were missed have a number too. */
  readonly tick: number;
  /** When the tick was due, ms since the epoch. */
  readonly scheduledAt: number;
  /** The Worker's bindings. */
  readonly bindings: Readonly<Record<string, unknown>>;
}

/** Text is cut into lines; of a list each entry is a line, objects as JSON. */
export type PollFunction = (
  context: PollContext,
) => Promise<string | readonly (string | object)[]> | string | readonly (string | object)[];

export interface QueueMessages {
  readonly kind: "queueMessages";
  readonly name: string;
  readonly queue: string;
  /** How long a source remembers the messages it took. */
  readonly deduplicateMs: number;
}

/** Feeds that a source reads by itself. */
export type PulledFeed = R2Objects | Generator | Poll;

type Fed = Pick<JobGraph, "source">;

/** The feeds of a job; posted lines when it names none. */
export function feedsOf({ source }: Fed): readonly Feed[] {
  return source.feeds ?? [{ kind: "postedLines", name: "posted" }];
}

export function pulledFeedsOf(job: Fed): readonly PulledFeed[] {
  return feedsOf(job).filter(
    (feed) => feed.kind !== "postedLines" && feed.kind !== "queueMessages",
  );
}

/** Every source has a share in some feed: none is silent because nobody wrote to it. */
export function isFedEverywhere(job: Fed): boolean {
  return pulledFeedsOf(job).some(({ kind }) => kind !== "poll");
}

export function takesPostedLines(job: Fed): boolean {
  return feedsOf(job).some(({ kind }) => kind === "postedLines");
}

/** Every feed ends by itself, and with the last of them the job. */
export function isBounded(job: Fed): boolean {
  return feedsOf(job).every((feed) => {
    if (feed.kind === "r2Objects") return feed.watchEveryMs === undefined;
    return feed.kind === "generator" && feed.count !== undefined;
  });
}
