/** Worlds in which a promise once broke: docs/correctness.md says what was wrong in each. */
import { expect, it } from "vitest";
import { scenarioOf } from "../scenario.ts";
import { simulate } from "../simulate.ts";

it.each([5447, 6436, 17743, 17879])(
  "keeps every promise in the world of seed %i, where one once broke",
  async (seed) => {
    const { failure } = await simulate(scenarioOf(seed));
    expect(failure).toBeUndefined();
  },
);
