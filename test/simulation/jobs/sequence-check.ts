/**
 * Each key's lines are numbered. Two keyed vertices, one behind the other, look for a gap or a repeat
 * (Flink's SemanticsCheckMapper); any alert in the output is a broken promise.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfStates } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Producer, SimulatedJob } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

interface Numbered {
  readonly key: string;
  readonly number: number;
}

/** The last number seen, and how many there were. */
type Seen = readonly [number, number];

const FIRST = "seen-first";
const SECOND = "seen-second";

export function sequenceCheck(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const first = input
    .map((line) => numberedOf(line))
    .keyBy(({ key }) => key)
    .process("first", {
      state: { seen: valueState<Seen>(FIRST) },
      process(record, { state }): (Numbered | string)[] {
        const before = state.seen.get();
        state.seen.update([record.number, (before?.[1] ?? 0) + 1]);
        return [record, ...alertOf("first", record, before)];
      },
    });
  const stream = first
    // Another key for the same records, so that they change partitions.
    .keyBy((record) => (typeof record === "string" ? "alert" : `second ${record.key}`))
    .process("second", {
      state: { seen: valueState<Seen>(SECOND) },
      process(record, { state }): string[] {
        if (typeof record === "string") return [record];
        const before = state.seen.get();
        state.seen.update([record.number, (before?.[1] ?? 0) + 1]);
        return alertOf("second", record, before);
      },
    })
    .output("alerts");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => producer(scenario, index, random),
    check({ lines, output, states }) {
      const [alert] = output;
      if (alert !== undefined) return `there is an alert: ${String(alert.value)}`;
      const seen = new Map<string, Seen>();
      for (const { key, number } of lines.flat().map(numberedOf)) {
        seen.set(key, [number, (seen.get(key)?.[1] ?? 0) + 1]);
      }
      const second = new Map([...seen].map(([key, value]) => [`second ${key}`, value]));
      return differenceOfStates(states, { [FIRST]: quoted(seen), [SECOND]: quoted(second) });
    },
  };
}

/** A job started in the middle of the log meets a key in the middle of its sequence. */
function alertOf(where: string, { key, number }: Numbered, before: Seen | undefined): string[] {
  if (before === undefined || number === before[0] + 1) return [];
  return [`${where}: after ${before[0]} of ${key} comes ${number}`];
}

function numberedOf(line: string): Numbered {
  const [key, number] = line.split(" ");
  return { key: key!, number: Number(number) };
}

function producer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  const keys = Math.max(2, Math.min(20, scenario.sharedWords));
  const next = new Map<string, number>();
  const line = (): string => {
    const key = `key${index}-${random.integer(keys)}`;
    const number = (next.get(key) ?? 0) + 1;
    next.set(key, number);
    return `${key} ${number} ${padding(random, scenario.paddingBytes / 10)}`;
  };
  return { closing: [], lines: (count) => Array.from({ length: count }, line) };
}
