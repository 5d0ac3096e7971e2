/** Jobs of several keyed vertices, and what their states must be for given words. */
import { job } from "../../../../dataflow/job.ts";
import { int64Codec } from "../../../../dataflow/codecs/plain-codecs.ts";
import { valueState } from "../../../../dataflow/state/state-descriptor.ts";
import type { Stream } from "../../../../dataflow/stream.ts";
import { jobOptions } from "../../../simulation/jobs/job-options.ts";
import { simulatedJob } from "../../../simulation/jobs/simulated-jobs.ts";
import { wordsOf } from "../../../simulation/jobs/word-count.ts";
import type { Scenario } from "../../../simulation/scenario.ts";
import type { Counts, RegionJob, States } from "./region-run.ts";

/** A word count, and behind it how many words occur how often. */
export function countOfCounts(scenario: Scenario): RegionJob {
  const { graph } = simulatedJob({ ...scenario, job: "countOfCounts", input: "posted" });
  return {
    graph,
    expected: (words) =>
      new Map([
        ["counts", texts(words)],
        ["groups", groupsOf(words)],
      ]),
  };
}

/** Says of a record whether it is the next one of its key. */
const sequence = valueState("sequence", int64Codec);

/**
 * A pipeline that checks itself, as Flink's UnalignedCheckpointITCase: the first vertex numbers the
 * records of each word, the second throws unless they come one by one in that order, the third counts.
 */
export function pipeline(scenario: Scenario): RegionJob {
  const words = job("region", jobOptions(scenario))
    .lines()
    .flatMap((line) => wordsOf(line));
  return numbered(words);
}

/** The same behind the union of two streams, one of the even and one of the odd words. */
export function union(scenario: Scenario): RegionJob {
  const words = job("region", jobOptions(scenario))
    .lines()
    .flatMap((line) => wordsOf(line));
  const even = words.filter((word) => word.length % 2 === 0);
  const odd = words.filter((word) => word.length % 2 === 1);
  return numbered(even.union(odd));
}

function numbered(words: Stream<string>): RegionJob {
  const numbers = valueState("numbers", int64Codec);
  const { graph } = words
    .keyBy((word) => word)
    .process("number", {
      state: { numbers },
      process: (word, { state }) => {
        const number = (state.numbers.get() ?? 0) + 1;
        state.numbers.update(number);
        return [{ word, number }];
      },
    })
    .keyBy(({ word }) => word)
    .process("check", {
      state: { sequence },
      process: ({ word, number }, { state }) => {
        const last = state.sequence.get() ?? 0;
        if (number !== last + 1) throw new Error(`${word}: ${number} came after ${last}.`);
        state.sequence.update(number);
        return [word];
      },
    })
    .keyBy((word) => word)
    .count("counts");
  const expected = (counts: Counts): States =>
    new Map(["numbers", "sequence", "counts"].map((state) => [state, texts(counts)]));
  return { graph, expected };
}

function texts(counts: Counts): ReadonlyMap<string, string> {
  return new Map([...counts].map(([word, count]) => [JSON.stringify(word), String(count)]));
}

function groupsOf(words: Counts): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const count of words.values()) {
    groups.set(String(count), String(Number(groups.get(String(count)) ?? 0) + 1));
  }
  return groups;
}

/** The diamond of the simulated worlds, and the word count beside it. */
export function diamond(scenario: Scenario): RegionJob {
  const { graph } = simulatedJob({ ...scenario, job: "diamond", input: "posted" });
  const expected = (counts: Counts): States =>
    new Map([
      ["counts", texts(counts)],
      ["firsts", new Map([...counts.keys()].map((word) => [JSON.stringify(word), "1"]))],
      ["everys", texts(counts)],
    ]);
  return { graph, expected };
}
