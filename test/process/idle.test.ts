/** Silence in a short form; `npm run test:deep` waits for a minute. */
import { expect, test } from "vitest";
import { run } from "../deep/process/idle.ts";
import { report } from "../support/report.ts";

test("[RS5] an idle job makes no R2 operation, sets no alarm and writes no row", async () => {
  await expect(run({ idleMs: 12_000, report })).resolves.toBeUndefined();
}, 120_000);
