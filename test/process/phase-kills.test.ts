/** Kills by phase in a small form; `npm run test:deep -- --only kills` goes through every step, again and again. */
import { expect, test } from "vitest";
import { run } from "../deep/process/phase-kills.ts";
import { report } from "../support/report.ts";

test("[IN3] [RS1] [CK5] two keyed vertices and their output stay exact when the runtime is killed while uploading, acknowledging, publishing, sweeping and restoring", async () => {
  const steps = [
    "bucket.put object after",
    "coordinator.acknowledge after",
    "bucket.put manifest after",
    "bucket.delete before",
    "coordinator.attachPartition after",
  ];
  await expect(run({ steps, forMs: 0, seed: 20_261_002, report })).resolves.toBeUndefined();
}, 180_000);
