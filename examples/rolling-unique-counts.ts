/** How many different visitors each page had in the last hour, every ten minutes. */
import { job, slidingWindows, watermarks } from "weir";

interface View {
  readonly page: string;
  readonly visitor: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const uniqueVisitors = job("unique-visitors")
  .lines()
  .map((line) => JSON.parse(line) as View)
  .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(5_000, (view) => view.at))
  .keyBy((view) => view.page)
  .window(slidingWindows(3_600_000, 600_000))
  .aggregate(
    "unique-visitors",
    {
      createAccumulator: () => new Set<string>(),
      add: (visitors, view: View) => visitors.add(view.visitor),
      getResult: (visitors) => visitors.size,
      // Windows that overlap share ten-minute panes: each view is stored once.
      merge: (a, b) => a.union(b),
    },
    (visitors, { key, window }) => [{ page: key, until: window.end, visitors }],
  )
  .output();
