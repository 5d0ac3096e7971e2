/**
 * Visits of users that meet rules broadcast to all partitions. In which order is open, so: each visit is
 * seen once and meets no rule that does not exist; each partition sees each rule once; with one source,
 * a visit meets exactly the rules before it in the log.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfLists, differenceOfStates } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Cut, Producer, SimulatedJob } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

/** A visit's id, and the rules it met. */
type Met = readonly [string, ...string[]];

export function broadcastRules(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const lines = input.map((line) => line.split(" "));
  const rules = lines.filter(([kind]) => kind === "rule").map(([, id]) => id!);
  const stream = lines
    .filter(([kind]) => kind === "visit")
    .keyBy(([, , user]) => user!)
    .connectBroadcast(rules)
    .processBroadcast("visits", {
      state: { visits: valueState("visits", int64Codec) },
      broadcast: { rules: mapState<number>("rules", "string") },
      process([, id], { state }, broadcast): Met[] {
        state.visits.update((state.visits.get() ?? 0) + 1);
        return [[id!, ...[...broadcast.rules.keys()].toSorted()]];
      },
      processBroadcast(rule, { broadcast }): Met[] {
        broadcast.rules.put(rule, 1);
        return [[rule]];
      },
    })
    .output("met");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => producer(scenario, index, random),
    check: (cut) => wrongVisits(scenario, cut) ?? wrongRules(scenario, cut),
  };
}

function wrongVisits(scenario: Scenario, cut: Cut): string | undefined {
  const lines = cut.lines.flat().map((line) => line.split(" "));
  const counts = new Map<string, number>();
  const expected: string[] = [];
  for (const [kind, id, user] of lines) {
    if (kind === "visit") addTo(counts, user!, 1);
    const times = kind === "visit" ? 1 : scenario.partitions;
    for (let time = 0; time < times; time++) expected.push(id!);
  }
  const found = metIn(cut).map(([id]) => id);
  return (
    differenceOfStates(cut.states, { visits: quoted(counts) }) ?? differenceOfLists(found, expected)
  );
}

function wrongRules(scenario: Scenario, cut: Cut): string | undefined {
  const before = new Map<string, readonly string[]>();
  const known: string[] = [];
  for (const line of cut.lines.flat()) {
    const [kind, id] = line.split(" ");
    if (kind === "rule") known.push(id!);
    else before.set(id!, known.toSorted());
  }
  for (const [id, ...rules] of metIn(cut)) {
    if (id.startsWith("rule")) continue;
    const strange = rules.find((rule) => !known.includes(rule));
    if (strange !== undefined) return `visit ${id} met ${strange}, which nobody sent`;
    if (scenario.sources === 1 && rules.join() !== before.get(id)!.join()) {
      return `visit ${id} met the rules ${rules.join()} where ${before.get(id)!.join()} were before it`;
    }
  }
  return undefined;
}

function metIn(cut: Cut): Met[] {
  return cut.output.map(({ value }) => value as Met);
}

function producer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  let number = 0;
  const users = Math.max(2, scenario.sharedWords);
  const line = (): string => {
    const id = `${index}-${number++}`;
    if (random.chance(0.1)) return `rule rule${id}`;
    return `visit ${id} user${random.integer(users)} ${padding(random, scenario.paddingBytes / 10)}`;
  };
  return { closing: [], lines: (count) => Array.from({ length: count }, line) };
}
