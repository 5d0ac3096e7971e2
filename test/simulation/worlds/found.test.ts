/** Worlds in which a promise once broke: docs/correctness.md says what was wrong in each. */
import { expectPromises } from "./expect-promises.ts";

for (const seed of [1021, 1338, 5447, 6436, 17743, 17879, 18993]) expectPromises(seed, seed);
