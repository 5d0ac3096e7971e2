/** Exact counts in a small form; `npm run test:deep` runs the full one. */
import { expect, test } from "vitest";
import { run } from "../deep/process/exact-counts.ts";
import { report } from "../support/report.ts";

test("[CK1] [IN2] [RD1] counts of mixed bodies from four producers at once are exact on 1, 4 and 7 partitions", async () => {
  await expect(
    run({ bytes: 12_000_000, parallelisms: [1, 4, 7], seed: 20_261_001, report }),
  ).resolves.toBeUndefined();
}, 120_000);
