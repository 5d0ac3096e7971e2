/** Barrier alignment with and without holding channels. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { BarrierAlignment } from "../../../dataflow/keyed/alignment.ts";

const deliveries = fc.record({
  channels: fc.integer({ min: 1, max: 5 }),
  seed: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
});

it("at least once, no channel is ever held, and a checkpoint is aligned when all have delivered", () => {
  fc.assert(
    fc.property(deliveries, ({ channels, seed }) => {
      const alignment = new BarrierAlignment(channels, { holdsChannels: false });
      for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
        const order = Array.from({ length: channels }, (_, channel) => channel).toSorted(
          (left, right) => (seed[left % seed.length]! % 7) - (seed[right % seed.length]! % 7),
        );
        const answers = order.map((channel) => alignment.deliver(channel, checkpoint));
        expect(answers).toEqual([...Array<string>(channels - 1).fill("noted"), "aligned"]);
        expect(order.some((channel) => alignment.isHeld(channel))).toBe(false);
      }
    }),
  );
});

it("at least once, a channel ahead of the others can bring the next checkpoint's barrier, which gives the older one up", () => {
  const alignment = new BarrierAlignment(2, { holdsChannels: false });
  expect(alignment.deliver(0, 1)).toBe("noted");
  expect(alignment.deliver(0, 2)).toBe("noted");
  expect(alignment.deliver(1, 1)).toBe("givenUp");
  expect(alignment.deliver(1, 2)).toBe("aligned");
});

it("exactly once, a channel is held from its barrier until all have delivered theirs", () => {
  const alignment = new BarrierAlignment(2);
  expect(alignment.deliver(0, 1)).toBe("held");
  expect([alignment.isHeld(0), alignment.isHeld(1)]).toEqual([true, false]);
  expect(() => alignment.deliver(0, 1)).toThrow("held channel");
  expect(alignment.deliver(1, 1)).toBe("aligned");
  expect(alignment.isHeld(0)).toBe(false);
});
