/** Kills in a small form; `npm run test:deep` runs the full one. */
import { expect, test } from "vitest";
import { run } from "../deep/process/kills.ts";
import { report } from "../support/report.ts";

test("[IN3] [RS1] [CK5] [CK6] counts stay exact when the runtime is killed while posting and checkpointing", async () => {
  await expect(
    run({ bytes: 6_000_000, kills: 3, parallelism: 4, seed: 20_261_002, report }),
  ).resolves.toBeUndefined();
}, 120_000);
