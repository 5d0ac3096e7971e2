/**
 * The guarantee at least once, in worlds whose two sources are far apart when objects lose their memory: no
 * count is ever below the right one, and some are above. The same worlds exactly once are exact.
 */
import { expect, it } from "vitest";
import { faults, mutantScenario, type MutantWorld } from "./mutants/worlds.ts";
import { simulate } from "./simulate.ts";

const SEEDS = [1, 2, 3, 4, 5];

/** A barrier of one source waits for seconds, while what follows that of the other is applied. */
const SOURCES_APART: MutantWorld = {
  sources: 2,
  requestsPerProducer: 12,
  rates: faults({ slowCall: 0.2, crash: 0.02 }),
};

/** Counts by word in the end; every checkpoint on the way was judged. */
async function countsOf(
  seed: number,
  guarantee: "exactly-once" | "at-least-once",
): Promise<ReadonlyMap<string, number>> {
  const scenario = { ...mutantScenario(seed, SOURCES_APART), guarantee };
  const { checkpointsChecked, failure, finalResult } = await simulate(scenario);
  expect(failure, `seed ${seed}, ${guarantee}`).toBeUndefined();
  expect(checkpointsChecked).toBeGreaterThan(1);
  return new Map(
    finalResult!.map((text) => {
      const [, , word, count] = text.split(" ");
      return [word!, Number(count)];
    }),
  );
}

it("counts a line at least once where barriers do not wait for each other, and exactly once where they do", async () => {
  const above: number[] = [];
  for (const seed of SEEDS) {
    const exact = await countsOf(seed, "exactly-once");
    const loose = await countsOf(seed, "at-least-once");
    expect([...loose.keys()].toSorted()).toEqual([...exact.keys()].toSorted());
    const fewer = [...exact].filter(([word, count]) => loose.get(word)! < count);
    expect(fewer).toEqual([]);
    if ([...exact].some(([word, count]) => loose.get(word)! > count)) above.push(seed);
  }
  expect(above).not.toEqual([]);
});
