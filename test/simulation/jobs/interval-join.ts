/** Two kinds of lines of the same key, joined within bounds of event time. Each pair is committed once. */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfLists, firstRepeatOrStranger, valuesOf } from "./compare.ts";
import { isCertain, timedLine, timedLines, timedProducer, timestamps } from "./event-time.ts";
import type { Cut, SimulatedJob } from "./simulated-job.ts";

const LOWER_MS = -2_000;
const UPPER_MS = 3_000;

export function intervalJoin(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const lines = input
    .map((line) => timedLine(line))
    .assignTimestampsAndWatermarks(timestamps(scenario));
  const left = lines.filter(({ id }) => id.startsWith("left"));
  const right = lines.filter(({ id }) => id.startsWith("right"));
  const stream = left
    .keyBy(({ key }) => key)
    .connect(right.keyBy(({ key }) => key))
    .intervalJoin("pairs", { lowerMs: LOWER_MS, upperMs: UPPER_MS }, (one, other) => [
      one.id,
      other.id,
    ])
    .output("pairs");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) =>
      timedProducer(scenario, {
        index,
        random,
        kind: () => (random.chance(0.5) ? "left" : "right"),
      }),
    check(cut) {
      const found = valuesOf(cut, "pairs");
      const expected = pairsOf(cut);
      return isCertain(scenario)
        ? differenceOfLists(found, expected)
        : firstRepeatOrStranger(found, expected);
    },
  };
}

function pairsOf(cut: Cut): string[] {
  const lines = timedLines(cut);
  const lefts = lines.filter(({ id }) => id.startsWith("left"));
  const rights = Map.groupBy(
    lines.filter(({ id }) => id.startsWith("right")),
    ({ key }) => key,
  );
  return lefts.flatMap((left) =>
    (rights.get(left.key) ?? [])
      .filter(({ at }) => at >= left.at + LOWER_MS && at <= left.at + UPPER_MS)
      .map((right) => JSON.stringify([left.id, right.id])),
  );
}
