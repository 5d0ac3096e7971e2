/** A sensor that has said nothing for five minutes raises an alert, once, whether or not any other line comes. */
import { job, valueState } from "weir";

interface Reading {
  readonly sensor: string;
  readonly value: number;
}

const PATIENCE_MS = 5 * 60_000;

export const silentSensors = job("silent-sensors")
  .lines()
  .map((line) => JSON.parse(line) as Reading)
  .keyBy((reading) => reading.sensor)
  .process("watch", {
    state: { deadline: valueState<number>("deadline"), last: valueState<number>("last") },
    process(reading: Reading, { state, timers, processingTime }) {
      const before = state.deadline.get();
      if (before !== undefined) timers.deleteProcessingTimeTimer(before);
      state.deadline.update(processingTime + PATIENCE_MS);
      state.last.update(reading.value);
      timers.registerProcessingTimeTimer(processingTime + PATIENCE_MS);
    },
    *onTimer(_timer, { key, state }) {
      yield { sensor: key, silentForMs: PATIENCE_MS, last: state.last.get() };
      state.deadline.clear();
    },
  })
  .output();
