/**
 * Carts that nobody paid for within an hour of event time, with what was in them. Lines are JSON, such
 * as {"cart":"c1","kind":"add","item":"book","at":1700000000000} and {"cart":"c1","kind":"pay",…}.
 */
import { job } from "../../dataflow/job.ts";
import type { JobOptionsInput } from "../../dataflow/options.ts";
import { listState, valueState } from "../../dataflow/state/state-descriptor.ts";
import { watermarks } from "../../dataflow/time/watermark-strategy.ts";

export interface CartEvent {
  readonly cart: string;
  readonly kind: "add" | "pay";
  readonly item?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const CART_PATIENCE_MS = 3_600_000;

export function abandonedCarts(options: JobOptionsInput = {}) {
  return job("abandoned-carts", options)
    .lines()
    .map((line) => JSON.parse(line) as CartEvent)
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((event) => event.at))
    .keyBy((event) => event.cart)
    .process("carts", {
      state: { items: listState<string>("items"), deadline: valueState<number>("deadline") },
      process(event: CartEvent, { state, timers }) {
        const before = state.deadline.get();
        if (before !== undefined) timers.deleteEventTimeTimer(before);
        if (event.kind === "pay") {
          state.items.clear();
          state.deadline.clear();
          return;
        }
        if (event.item !== undefined) state.items.add(event.item);
        state.deadline.update(event.at + CART_PATIENCE_MS);
        timers.registerEventTimeTimer(event.at + CART_PATIENCE_MS);
      },
      *onTimer({ timestamp }, { key, state }) {
        yield { cart: key, items: state.items.get(), abandonedAt: timestamp };
        state.items.clear();
        state.deadline.clear();
      },
    })
    .output();
}
