/** What a checkpoint uploads and a restart reads with 200,000 keys, counted at the bucket. */
import { expect, test } from "vitest";
import { run } from "../deep/process/many-keys.ts";
import { report } from "../support/report.ts";

test("[CK3] [CK4] [CK5] [CK6] [RS2] a checkpoint uploads only what changed, and a restart reads next to nothing", async () => {
  await expect(
    run({ keys: 200_000, rounds: 3, seed: 20_261_003, report }),
  ).resolves.toBeUndefined();
}, 120_000);
