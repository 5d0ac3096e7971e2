/** Two runs that must agree: of one seed bit for bit, and of one input whatever the parallelism. */
import { expect, it } from "vitest";
import { NO_FAULTS } from "./faults.ts";
import { scenarioOf } from "./scenario.ts";
import { simulate } from "./simulate.ts";

it("repeats the real job bit for bit from its seed", async () => {
  const first = await simulate(scenarioOf(3), { traced: true });
  const again = await simulate(scenarioOf(3), { traced: true });
  expect(again.checksum).toBe(first.checksum);
  expect(again.events).toBe(first.events);
});

it.each([11, 12, 13, 14])(
  "has the same result on four partitions under faults as on one without, seed %i",
  async (seed) => {
    const scenario = scenarioOf(seed);
    const one = await simulate({ ...scenario, partitions: 1, sources: 1, rates: NO_FAULTS });
    expect(one.failure).toBeUndefined();
    expect(one.finalState?.length).toBeGreaterThan(0);
    for (const partitions of [2, 4]) {
      const many = await simulate({ ...scenario, partitions });
      expect(many.failure).toBeUndefined();
      expect(many.finalState).toEqual(one.finalState);
    }
  },
);

it("writes tables to the bucket in enough of the worlds to mean something", async () => {
  let uploading = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { tablesUploaded } = await simulate(scenarioOf(seed));
    if (tablesUploaded > 0) uploading++;
  }
  expect(uploading).toBeGreaterThanOrEqual(5);
});
