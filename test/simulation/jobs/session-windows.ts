/**
 * Sessions of users in event time. Where no line can be late, exactly the sessions that event time has
 * passed are committed; otherwise each line is in a session or among the late ones, and not in both.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import { sessionWindows } from "../../../dataflow/windows/assigners.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfLists, firstRepeatOrStranger, valuesOf } from "./compare.ts";
import {
  isCertain,
  isOfClosing,
  timedLine,
  type TimedLine,
  timedLines,
  timedProducer,
  timestamps,
  watermarkOf,
} from "./event-time.ts";
import type { Cut, SimulatedJob } from "./simulated-job.ts";

const GAP_MS = 5_001;
const LATE = outputTag<TimedLine>("late");

/** User, first and last moment, and the lines in it. */
type Session = readonly [string, number, number, ...string[]];

export function sessions(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const windows = input
    .map((line) => timedLine(line))
    .assignTimestampsAndWatermarks(timestamps(scenario))
    .keyBy(({ key }) => key)
    .window(sessionWindows<TimedLine>(GAP_MS), {
      lateOutput: LATE,
      allowedLatenessMs: scenario.allowedLatenessMs,
    })
    .process<Session>("sessions", (lines, { key, window }) => [
      [key, window.start, window.end, ...lines.map(({ id }) => id).toSorted()],
    ]);
  windows
    .sideOutput(LATE)
    .map(({ id }) => id)
    .output("late");
  const stream = windows.output("sessions");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => timedProducer(scenario, { index, random }),
    check: (cut) => (isCertain(scenario) ? wrongSessions(cut) : wrongLines(scenario, cut)),
  };
}

function wrongSessions(cut: Cut): string | undefined {
  const late = valuesOf(cut, "late");
  if (late.length > 0) return `${late[0]} is late`;
  const watermark = watermarkOf(cut);
  const expected = sessionsOf(timedLines(cut)).filter(([, , end]) => end - 1 <= watermark);
  const found = cut.output.flatMap(({ output, value }) =>
    output === "sessions" && !isOfClosing((value as Session)[0]) ? [JSON.stringify(value)] : [],
  );
  return differenceOfLists(
    found,
    expected.map((session) => JSON.stringify(session)),
  );
}

function sessionsOf(lines: readonly TimedLine[]): Session[] {
  const found: Session[] = [];
  for (const [key, own] of Map.groupBy(lines, (line) => line.key)) {
    let open: TimedLine[] = [];
    const close = (): void => {
      if (open.length === 0) return;
      const ids = open.map(({ id }) => id).toSorted();
      found.push([key, open[0]!.at, open.at(-1)!.at + GAP_MS, ...ids]);
      open = [];
    };
    for (const line of own.toSorted((a, b) => a.at - b.at)) {
      if (open.length > 0 && line.at - open.at(-1)!.at > GAP_MS) close();
      open.push(line);
    }
    close();
  }
  return found;
}

function wrongLines(scenario: Scenario, cut: Cut): string | undefined {
  const shown = cut.output.filter(({ output }) => output === "sessions");
  const inSessions = shown.flatMap(({ value }) => (value as Session).slice(3) as string[]);
  // A session that a late line is added to is shown again.
  const once = scenario.allowedLatenessMs === 0 ? inSessions : [...new Set(inSessions)];
  const late = cut.output.flatMap(({ output, value }) =>
    output === "late" ? [value as string] : [],
  );
  const ids = timedLines(cut).map(({ id }) => id);
  const found = [...once, ...late].filter((id) => !id.startsWith("closing"));
  return cut.isEnd ? differenceOfLists(found, ids) : firstRepeatOrStranger(found, ids);
}
