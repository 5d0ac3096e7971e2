/**
 * How a bounded job ends: once every source has said that no line will come any more, a last checkpoint
 * is requested that covers everything and carries the final watermark; once it is complete and its
 * output committed, the job is FINISHED. Each step is durable before the next, so a crash only delays it.
 *
 * Flink's meaning: event-time timers fire with the final watermark, processing-time timers do not.
 */
import { feedsOf, isBounded } from "../../dataflow/feeds/feed.ts";
import type { SourceReport } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { raiseGeneration } from "./generation.ts";
import { sourcesOf, type JobRecord } from "./job-record.ts";
import { addRequest, dropRequests, requests } from "./requests.ts";

/**
 * Takes from a report which feeds of its source have ended. A feed that has ended stays so, whereas reports may
 * overtake each other: what one said before is never taken back. In the caller's transaction.
 */
export function noteEnd({ rows }: Coordination, { feeds = [], source }: SourceReport): void {
  const row = rows.source(source);
  const known = row.endedFeeds ?? [];
  const ended = feeds.filter(({ hasEnded }) => hasEnded === true).map(({ name }) => String(name));
  const more = ended.filter((name) => !known.includes(name));
  if (more.length > 0) rows.writeSource({ ...row, endedFeeds: [...known, ...more] });
}

/** Every feed that the job has now has ended on every source. */
function hasInputEnded({ job, rows }: Coordination, { shape }: JobRecord): boolean {
  const names = feedsOf(job).map(({ name }) => name);
  return rows
    .sources(sourcesOf(shape))
    .every(({ endedFeeds = [] }) => names.every((name) => endedFeeds.includes(name)));
}

/** Requests the last checkpoint when the input has ended everywhere. In the caller's transaction. */
export function requestEnd(house: Coordination, record: JobRecord): void {
  const { context, job, store } = house;
  const isLive = record.status === "RUNNING" || record.status === "RESTARTING";
  if (!isBounded(job) || !isLive || record.isFinishing === true) return;
  if (!hasInputEnded(house, record)) return;
  if (requests(store).some(({ finishes }) => finishes === true)) return;
  addRequest(house, record, {
    covers: "accepted",
    isFinal: true,
    endsTime: true,
    finishes: true,
  });
  makeDue(record.due, "requests", context.environment.now());
}

/** The last checkpoint is complete, and all output committed: the job is FINISHED. */
export function endIfFinishing(house: Coordination, record: JobRecord): void {
  if (record.isFinishing !== true) return;
  const reason = "The job has processed all its input.";
  raiseGeneration(house, record, "FINISHED", reason);
  dropRequests(house, record, reason);
}

/**
 * A checkpoint that carried the final watermark was given up. Partitions that heard of it are beyond
 * every window, and lines that still come would be late: the job goes back to the checkpoint before.
 * Where no line comes any more, nothing has to be undone.
 */
export function takeBackFinalWatermark(
  house: Coordination,
  record: JobRecord,
  givenUp: JobRecord["pending"],
): void {
  if (givenUp?.endsTime !== true || record.status !== "RUNNING") return;
  if (isBounded(house.job) && hasInputEnded(house, record)) return;
  raiseGeneration(house, record, "RUNNING", "The final watermark is taken back.");
}
