/**
 * A diamond: the first occurrence of each word on one branch, every occurrence on the other, counted
 * per word where they meet. Beside it a plain count that nothing follows.
 */
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfStates } from "./compare.ts";
import type { SimulatedJob } from "./simulated-job.ts";
import { countWords, quoted, wordProducer, wordsOf } from "./word-count.ts";

export function diamond(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const words = input.flatMap((line) => wordsOf(line));
  words.keyBy((word) => word).count("counts");
  const first = words.keyBy((word) => word).deduplicate("first");
  const every = words.keyBy((word) => word).process("every", { process: (word) => [word] });
  const firsts = valueState("firsts", int64Codec);
  const everys = valueState("everys", int64Codec);
  const stream = first
    .keyBy((word) => word)
    .connect(every.keyBy((word) => word))
    .process("both", {
      state: { firsts, everys },
      processLeft: (_word, { state }) => state.firsts.update((state.firsts.get() ?? 0) + 1),
      processRight: (_word, { state }) => state.everys.update((state.everys.get() ?? 0) + 1),
    })
    .output();
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => wordProducer(scenario, index, random),
    check({ lines, states }) {
      const counts = quoted(countWords(lines));
      const once = new Map([...counts.keys()].map((word) => [word, 1]));
      return differenceOfStates(states, { counts, firsts: once, everys: counts });
    },
    growing: { vertex: "counts", state: "counts" },
  };
}
