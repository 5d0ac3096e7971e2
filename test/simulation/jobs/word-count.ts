/**
 * Word count: every line falls into its words. Each has a word of its own, so that each line counts, and
 * takes a unit from one account and gives it to another, so that half a line shows.
 */
import { FrameReader } from "../../../dataflow/frame.ts";
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { addTo, differenceOfStates } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Producer, SimulatedJob, States } from "./simulated-job.ts";

const ACCOUNTS = 6;
const COUNTS = "counts";

export function wordCount(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const stream = input
    .flatMap((line) => wordsOf(line))
    .keyBy((word) => word)
    .count(COUNTS);
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => wordProducer(scenario, index, random),
    check: ({ lines, states }) =>
      scenario.guarantee === "at-least-once"
        ? tooFew(states.get(COUNTS) ?? new Map(), quoted(countWords(lines)))
        : (differenceOfStates(states, { [COUNTS]: quoted(countWords(lines)) }) ??
          lostUnits(states.get(COUNTS) ?? new Map())),
    withInFlight: addFrames,
    growing: { vertex: COUNTS, state: COUNTS },
  };
}

export function wordsOf(line: string): string[] {
  return line.split(" ");
}

export function countWords(lines: readonly (readonly string[])[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const log of lines) {
    for (const line of log) for (const word of wordsOf(line)) addTo(counts, word, 1);
  }
  return counts;
}

/** Every word on its way to a partition is below the offsets, and not in a table yet. */
function addFrames(states: States, frames: readonly Uint8Array[]): States {
  const counts = new Map(states.get(COUNTS));
  for (const bytes of frames) {
    const reader = new FrameReader(bytes);
    while (reader.next()) {
      const { delta, keyLength, keyOffset } = reader;
      const key = bytes.subarray(keyOffset, keyOffset + keyLength);
      const word = JSON.stringify(new TextDecoder().decode(key));
      counts.set(word, String(Number(counts.get(word) ?? 0) + delta));
    }
  }
  return new Map([[COUNTS, counts]]);
}

/** Keys as the JSON texts they are read as. */
export function quoted<Value>(values: ReadonlyMap<string, Value>): Map<string, Value> {
  return new Map([...values].map(([key, value]) => [JSON.stringify(key), value]));
}

export function wordProducer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  let request = 0;
  return {
    closing: [],
    lines(count) {
      const name = `${index}-${request++}`;
      return Array.from({ length: count }, (_, number) => {
        const [from, to] = [random.integer(ACCOUNTS), random.integer(ACCOUNTS)];
        const words = [
          `line${name}-${number}${padding(random, scenario.paddingBytes)}`,
          `debit${from}`,
          `credit${to}`,
        ];
        for (let more = random.integer(6); more > 0; more--) {
          words.push(`word${random.integer(scenario.sharedWords)}`);
        }
        return words.join(" ");
      });
    },
  };
}

/** At least once: no count is below the right one. A checkpoint may have lines beyond its offsets. */
function tooFew(
  counts: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, number>,
): string | undefined {
  const lost = [...expected].find(([key, count]) => Number(counts.get(key) ?? 0) < count);
  return (
    lost && `${lost[0]} is ${counts.get(lost[0]) ?? "missing"} where at least ${lost[1]} is right`
  );
}

/** What leaves one account of a line arrives at another, on whatever partitions they are. */
function lostUnits(counts: ReadonlyMap<string, string>): string | undefined {
  const sumOf = (prefix: string): number =>
    [...counts].reduce(
      (sum, [key, count]) => (key.startsWith(`"${prefix}`) ? sum + Number(count) : sum),
      0,
    );
  const [debited, credited] = [sumOf("debit"), sumOf("credit")];
  return debited === credited
    ? undefined
    : `${debited} units are taken from accounts and ${credited} given`;
}
