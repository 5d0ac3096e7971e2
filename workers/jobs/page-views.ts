/**
 * Views of each page per minute of event time. Lines are JSON, such as
 * {"page":"/home","user":"ann","at":1700000000000}; a minute is over once a view five seconds after it
 * has come. Views that come later than that are listed under the output "late".
 */
import { job } from "../../dataflow/job.ts";
import type { JobOptionsInput } from "../../dataflow/options.ts";
import { outputTag } from "../../dataflow/operators/output-tag.ts";
import { watermarks } from "../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../dataflow/windows/assigners.ts";

export interface PageView {
  readonly page: string;
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const lateViews = outputTag<PageView>("late-views");

export function pageViews(options: JobOptionsInput = {}) {
  const views = job("page-views", options)
    .lines()
    .map((line) => JSON.parse(line) as PageView)
    .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(5_000, (view) => view.at));
  const perMinute = views
    .keyBy((view) => view.page)
    .window(tumblingWindows(60_000), { lateOutput: lateViews })
    .count("views-per-minute", (count, { key, window }) => [
      { page: key, minute: window.start, views: count },
    ]);
  perMinute.sideOutput(lateViews).output("late");
  return perMinute.output();
}
