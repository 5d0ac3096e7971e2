/** What an HTTP answer means for a commit. */
import { CommitRefusal } from "../coordinator/commits.ts";
import type { OutsideAnswer } from "./outside-world.ts";

const longestShown = 300;

/**
 * Throws for any answer but 2xx: a CommitRefusal when the other side said when to come back. No answer
 * ends a commit, not even one that will not change by itself: nothing committed is dropped, and what is
 * wrong stands among the job's exceptions until it is mended.
 */
export function expectSuccess(answer: OutsideAnswer, what: string, now: number): void {
  const { retryAfter, status, text } = answer;
  if (status >= 200 && status < 300) return;
  const shown = text.slice(0, longestShown).trim();
  const message = `${what} with status ${status}${shown === "" ? "." : `: ${shown}`}`;
  const retryAfterMs = waitOf(retryAfter, now);
  throw retryAfterMs === undefined
    ? new Error(message)
    : new CommitRefusal(message, { retryAfterMs });
}

/** Retry-After is a number of seconds or a date. */
function waitOf(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1_000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
