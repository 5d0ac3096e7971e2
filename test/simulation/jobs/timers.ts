/**
 * A process function that lives by its timers: each line waits for one, in event time or by the clock,
 * unless a later line of its key takes all of event time back. In every checkpoint each line waits, or
 * its timer's result is committed up to there, and never both.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { endsByItself } from "../fed-input.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfLists, valuesOf } from "./compare.ts";
import {
  isCertain,
  timedLine,
  timedLines,
  timedProducer,
  timestamps,
  watermarkOf,
} from "./event-time.ts";
import type { Cut, SimulatedJob } from "./simulated-job.ts";

const PATIENCE_MS = 4_000;
/** A timer by the clock is due this long after its line at most. */
export const LONGEST_REMINDER_MS = 30_000;

/** Line and due time. */
type Waiting = readonly (readonly [string, number])[];

export function timers(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const stream = input
    .map((line) => timedLine(line))
    .assignTimestampsAndWatermarks(timestamps(scenario))
    .keyBy(({ key }) => key)
    .process("timers", {
      state: { event: valueState<Waiting>("event"), clock: valueState<Waiting>("clock") },
      process({ at, id }, { processingTime, state, timers: service }) {
        const event = state.event.get() ?? [];
        if (id.startsWith("clock")) {
          const due = processingTime + (at % LONGEST_REMINDER_MS);
          state.clock.update([...(state.clock.get() ?? []), [id, due]]);
          service.registerProcessingTimeTimer(due);
          return [];
        }
        state.event.update([...event, [id, at + PATIENCE_MS]]);
        service.registerEventTimeTimer(at + PATIENCE_MS);
        if (!id.startsWith("cancel")) return [];
        for (const [, due] of event) service.deleteEventTimeTimer(due);
        // A line of the same moment may have lost its timer with those before it.
        service.registerEventTimeTimer(at + PATIENCE_MS);
        state.event.update([[id, at + PATIENCE_MS]]);
        return event.map(([waiting]) => waiting);
      },
      onTimer({ domain, timestamp }, { state }) {
        const waiting = (domain === "event" ? state.event : state.clock).get() ?? [];
        const left = waiting.filter(([, due]) => due !== timestamp);
        (domain === "event" ? state.event : state.clock).update(left);
        return waiting.filter(([, due]) => due === timestamp).map(([id]) => id);
      },
    })
    .output("done");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) =>
      timedProducer(scenario, {
        index,
        random,
        // A key's lines come from one producer, so their order is that of its log.
        key: () => `key${index}-${random.integer(Math.max(2, scenario.sharedWords))}`,
        kind: () => random.pick(["event", "event", "clock", "cancel"]),
      }),
    check: (cut) => notOnce(cut) ?? tooEarlyOrLate(scenario, cut),
  };
}

/** Waiting and done together are exactly the lines of the cut. */
function notOnce(cut: Cut): string | undefined {
  const waiting = [...waitingOf(cut, "event"), ...waitingOf(cut, "clock")].map(([id]) => id);
  const done = valuesOf(cut, "done").map((text) => JSON.parse(text) as string);
  const found = [...waiting, ...done].filter((id) => !id.startsWith("closing"));
  return differenceOfLists(
    found,
    timedLines(cut).map(({ id }) => id),
  );
}

function tooEarlyOrLate(scenario: Scenario, cut: Cut): string | undefined {
  const watermark = watermarkOf(cut);
  const event = waitingOf(cut, "event").filter(([id]) => !id.startsWith("closing"));
  const overdue = event.find(([, due]) => due <= watermark);
  if (overdue !== undefined && (cut.isEnd || isCertain(scenario))) {
    return `${overdue[0]} waits for ${overdue[1]}, and event time has reached ${watermark}`;
  }
  // The end of the input does not wait for the clock.
  if (endsByItself(scenario)) return undefined;
  const [forgotten] = waitingOf(cut, "clock");
  if (forgotten !== undefined && cut.isEnd) return `${forgotten[0]} still waits for the clock`;
  return undefined;
}

function waitingOf({ states }: Cut, state: "event" | "clock"): Waiting {
  return [...(states.get(state)?.values() ?? [])].flatMap((text) => JSON.parse(text) as Waiting);
}
