/** Visits: clicks of one visitor with less than half an hour between them. Clicks later than an hour are set aside. */
import { job, outputTag, sessionWindows, watermarks } from "weir";

interface Click {
  readonly visitor: string;
  readonly page: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const lateClicks = outputTag<Click>("late-clicks");

const visits = job("sessionisation")
  .lines()
  .map((line) => JSON.parse(line) as Click)
  .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(60_000, (click) => click.at))
  .keyBy((click) => click.visitor)
  .window(sessionWindows(30 * 60_000), { allowedLatenessMs: 3_600_000, lateOutput: lateClicks })
  .process("visits", (clicks, { key, window }) => [
    {
      visitor: key,
      from: window.start,
      pages: clicks.toSorted((a, b) => a.at - b.at).map((click) => click.page),
    },
  ]);

visits.sideOutput(lateClicks).output("late");
export const sessionisation = visits.output();
