/**
 * Flink's DataStreamAllroundTestProgram: one job with value state, broadcast state, tumbling and sliding windows,
 * whose operators check what they see. A key's lines are numbered (SemanticsCheckMapper), every line is in as many
 * sliding windows, one behind the other, as there are (SlidingWindowCheckMapper), and any alert is a broken promise.
 * What was checked is compared with the lines, too: a job that sees nothing raises no alert.
 */
import { jobGraphOf, type KeyedStream, type Stream } from "../../../dataflow/job.ts";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { slidingWindows, tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfLists, differenceOfStates, valuesOf } from "./compare.ts";
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
import type { Cut, Producer, SimulatedJob } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

const SIZE_MS = 10_000;
const SLIDE_MS = 5_000;
const WINDOWS_OF_A_LINE = SIZE_MS / SLIDE_MS;

/** Key, where the window begins, and the lines in it. */
type Shown = readonly [string, number, ...string[]];
/** The last number seen, and how many there were. */
type Seen = readonly [number, number];

export function allround(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const lines = input
    .map((line) => timedLine(line))
    .assignTimestampsAndWatermarks(timestamps(scenario))
    .keyBy(({ key }) => key);
  const rules = input.map((line) => timedLine(line).id).filter((id) => isRule(id));
  checkSequence(lines).output("alerts");
  lines
    .window(tumblingWindows(SIZE_MS))
    .process<Shown>("tumbling", (own, { key, window }) => [[key, window.start, ...idsOf(own)]])
    .output("tumbling");
  const sliding = lines
    .window(slidingWindows(SIZE_MS, SLIDE_MS))
    .process<Shown>("sliding", (own, { key, window }) => [[key, window.start, ...idsOf(own)]]);
  sliding.output("sliding");
  checkSliding(sliding.keyBy(([key]) => `second ${key}`)).output("slidingAlerts");
  const stream = lines
    .connectBroadcast(rules)
    .processBroadcast("ruled", {
      state: { visits: valueState("visits", int64Codec) },
      broadcast: { rules: mapState<number>("rules", "string") },
      process({ id }, { state }) {
        state.visits.update((state.visits.get() ?? 0) + 1);
        return [id];
      },
      processBroadcast(rule, { broadcast }) {
        const isNew = broadcast.rules.get(rule) === undefined;
        broadcast.rules.put(rule, 1);
        return [isNew ? `new ${rule}` : `old ${rule}`];
      },
    })
    .output("ruled");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => numbered(scenario, index, random),
    check: (cut) =>
      alertIn(scenario, cut) ?? wrongLines(scenario, cut) ?? wrongWindows(scenario, cut),
  };
}

function checkSequence(lines: KeyedStream<TimedLine, string>): Stream<string> {
  return lines.process("semantics", {
    state: { seen: valueState<Seen>("semantics") },
    process({ id, key }, { state }): string[] {
      // Closing lines of all sources share a key.
      if (isOfClosing(key)) return [];
      const before = state.seen.get();
      const number = numberOf(id);
      state.seen.update([number, (before?.[1] ?? 0) + 1]);
      // A job started in the middle of the log meets a key in the middle of its sequence.
      if (before === undefined || number === before[0] + 1) return [];
      return [`after ${before[0]} of ${key} comes ${number}`];
    },
  });
}

/** Of each line, in how many windows it has been; who has been in all of them is forgotten. */
function checkSliding(windows: KeyedStream<Shown, string>): Stream<string> {
  return windows.process("slidingCheck", {
    state: { open: valueState<Record<string, number>>("open") },
    process([key, start, ...ids], { state }): string[] {
      const before = state.open.get() ?? {};
      const missed = Object.keys(before).filter((id) => !ids.includes(id));
      const after = ids.map((id): [string, number] => [id, (before[id] ?? 0) + 1]);
      state.open.update(Object.fromEntries(after.filter(([, seen]) => seen < WINDOWS_OF_A_LINE)));
      return missed.map((id) => `${id} is not in the window of ${key} at ${start}`);
    },
  });
}

/** Where lines may be late, they may be too late for one window and in time for the next. */
function alertIn(scenario: Scenario, { output }: Cut): string | undefined {
  const names = isCertain(scenario) ? ["alerts", "slidingAlerts"] : ["alerts"];
  const alert = output.find((line) => names.includes(line.output));
  return alert && `there is an alert: ${String(alert.value)}`;
}

function wrongLines({ partitions }: Scenario, cut: Cut): string | undefined {
  const all = cut.lines.flat().map(timedLine);
  const visits = new Map<string, number>();
  for (const { key } of all) addTo(visits, key, 1);
  const seen = new Map<string, Seen>();
  for (const { id, key } of timedLines(cut)) {
    seen.set(key, [numberOf(id), (seen.get(key)?.[1] ?? 0) + 1]);
  }
  const ids = all.map(({ id }) => id);
  const rules = ids.filter(isRule).flatMap((id) => Array<string>(partitions).fill(`new ${id}`));
  return (
    differenceOfStates(cut.states, { visits: quoted(visits), semantics: quoted(seen) }) ??
    differenceOfLists(
      valuesOf(cut, "ruled"),
      [...ids, ...rules].map((text) => JSON.stringify(text)),
    )
  );
}

function wrongWindows(scenario: Scenario, cut: Cut): string | undefined {
  if (!isCertain(scenario)) return undefined;
  return (
    differenceOfLists(shown(cut, "tumbling"), expectedWindows(cut, SIZE_MS)) ??
    differenceOfLists(shown(cut, "sliding"), expectedWindows(cut, SLIDE_MS))
  );
}

function shown(cut: Cut, output: string): string[] {
  return valuesOf(cut, output).filter((text) => !isOfClosing((JSON.parse(text) as Shown)[0]));
}

/** Windows that begin every `slideMs` and that event time has passed. */
function expectedWindows(cut: Cut, slideMs: number): string[] {
  const windows = new Map<string, TimedLine[]>();
  for (const line of timedLines(cut)) {
    for (let start = line.at - (line.at % slideMs); start > line.at - SIZE_MS; start -= slideMs) {
      const name = JSON.stringify([line.key, start]);
      windows.set(name, [...(windows.get(name) ?? []), line]);
    }
  }
  const watermark = watermarkOf(cut);
  return [...windows].flatMap(([name, own]) => {
    const [key, start] = JSON.parse(name) as [string, number];
    return start + SIZE_MS - 1 <= watermark ? [JSON.stringify([key, start, ...idsOf(own)])] : [];
  });
}

function idsOf(lines: readonly TimedLine[]): string[] {
  return lines.map(({ id }) => id).toSorted();
}

function isRule(id: string): boolean {
  return id.startsWith("rule");
}

/** An id ends with the line's number among those of its key. */
function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("/") + 1));
}

/** One line in ten is a rule as well. */
function numbered(scenario: Scenario, index: number, random: SeededRandom): Producer {
  const keys = Math.max(2, Math.min(20, scenario.sharedWords));
  const producer = timedProducer(scenario, {
    index,
    random,
    // A key's lines come from one producer, so their order is that of its log.
    key: () => `key${index}-${random.integer(keys)}`,
    kind: () => (random.chance(0.1) ? "rule" : "event"),
  });
  const next = new Map<string, number>();
  return {
    closing: producer.closing,
    lines: (count) =>
      producer.lines(count).map((line) => {
        const [id, key, ...rest] = line.split(" ");
        addTo(next, key!, 1);
        return [`${id}/${next.get(key!)}`, key, ...rest].join(" ");
      }),
  };
}
