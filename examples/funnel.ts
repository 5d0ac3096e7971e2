/** How many visitors went from a view to the cart to a payment, each step within an hour of the one before. */
import { job, valueState, watermarks } from "weir";

const STEPS = ["view", "cart", "payment"];
const PATIENCE_MS = 3_600_000;

interface Action {
  readonly visitor: string;
  readonly step: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const funnel = job("funnel")
  .lines()
  .map((line) => JSON.parse(line) as Action)
  .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((action) => action.at))
  .keyBy((action) => action.visitor)
  .process("progress", {
    state: { reached: valueState<{ steps: number; at: number }>("reached") },
    process({ step, at }: Action, { state }) {
      const reached = state.reached.get() ?? { steps: 0, at };
      const steps = at - reached.at > PATIENCE_MS ? 0 : reached.steps;
      if (step !== STEPS[steps]) return [];
      state.reached.update({ steps: steps + 1, at });
      return [step];
    },
  })
  .keyBy((step) => step)
  .count("visitors-at-step")
  .output();
