/**
 * Flink's StateMachineExample: the events of each key are steps of a state machine, and a step it does
 * not have is an alert. With a generator that makes no mistake there is none, or records were lost,
 * repeated or reordered.
 */
import { jobGraphOf, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { differenceOfStates } from "./compare.ts";
import { padding } from "./padding.ts";
import type { Producer, SimulatedJob } from "./simulated-job.ts";
import { quoted } from "./word-count.ts";

type MachineState = "Initial" | "W" | "X" | "Y" | "Z" | "Terminal";

/** Event, the state after it, and how likely it is. */
const STEPS: Readonly<Record<MachineState, readonly (readonly [string, MachineState, number])[]>> =
  {
    Initial: [
      ["a", "W", 0.6],
      ["c", "X", 0.4],
    ],
    W: [["b", "Y", 1]],
    X: [
      ["b", "Y", 0.2],
      ["d", "Z", 0.8],
    ],
    Y: [["e", "Z", 1]],
    Z: [["g", "Terminal", 1]],
    Terminal: [],
  };

export function stateMachine(scenario: Scenario, input: Stream<string>): SimulatedJob {
  const stream = input
    .map((line) => line.split(" "))
    .keyBy(([key]) => key!)
    .process("machines", {
      state: { machine: valueState<MachineState>("machine") },
      process([key, event], { state }): string[] {
        const before = state.machine.get();
        const after = stepFrom(before ?? "Initial", event!);
        // A job started in the middle of the log meets a machine in the middle of its steps.
        if (after === undefined && before === undefined && scenario.startsElsewhere) return [];
        if (after === undefined) return [`${key} made the step ${event} in ${before ?? "Initial"}`];
        if (after === "Terminal") state.machine.clear();
        else state.machine.update(after);
        return [];
      },
    })
    .output("alerts");
  return {
    graph: jobGraphOf(stream),
    producer: (index, random) => producer(scenario, index, random),
    check({ lines, output, states }) {
      const [alert] = output;
      if (alert !== undefined) return `there is an alert: ${String(alert.value)}`;
      const machines = new Map<string, MachineState>();
      for (const [key, event] of lines.flat().map((line) => line.split(" "))) {
        const after = stepFrom(machines.get(key!) ?? "Initial", event!);
        if (after === "Terminal") machines.delete(key!);
        else if (after !== undefined) machines.set(key!, after);
      }
      return differenceOfStates(states, { machine: quoted(machines) });
    },
  };
}

function stepFrom(state: MachineState, event: string): MachineState | undefined {
  return STEPS[state].find(([name]) => name === event)?.[1];
}

function producer(scenario: Scenario, index: number, random: SeededRandom): Producer {
  const keys = Math.max(2, Math.min(20, scenario.sharedWords));
  const machines = new Map<string, MachineState>();
  const line = (): string => {
    const key = `key${index}-${random.integer(keys)}`;
    const steps = STEPS[machines.get(key) ?? "Initial"];
    const [event, after] = random.chance(steps[0]![2]) ? steps[0]! : steps.at(-1)!;
    machines.set(key, after === "Terminal" ? "Initial" : after);
    return `${key} ${event} ${padding(random, scenario.paddingBytes / 10)}`;
  };
  return { closing: [], lines: (count) => Array.from({ length: count }, line) };
}
