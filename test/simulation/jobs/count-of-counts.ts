/** How many words occur how often: a keyed vertex fed by another one, whose updates take back what they replace [39]. */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfStates, differenceOfUpdates } from "./compare.ts";
import type { SimulatedJob } from "./simulated-job.ts";
import { countWords, quoted, wordProducer, wordsOf } from "./word-count.ts";

export function countOfCounts(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const stream = input
    .flatMap((line) => wordsOf(line))
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("groups")
    .output("groups");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => wordProducer(scenario, index, random),
    check(cut) {
      const counts = countWords(cut.lines);
      const groups = new Map<string, number>();
      for (const count of counts.values()) addTo(groups, String(count), 1);
      return (
        differenceOfStates(cut.states, { counts: quoted(counts), groups }) ??
        differenceOfUpdates(cut, "groups", groups)
      );
    },
    growing: { vertex: "counts", state: "counts" },
  };
}
