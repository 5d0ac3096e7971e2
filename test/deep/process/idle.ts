/**
 * An idle job is silent: after its last checkpoint no alarm is set, no row of any database is written
 * and the bucket is not asked for anything, however long one waits.
 */
import { setTimeout as wait } from "node:timers/promises";
import { RuntimeStorage } from "../../support/runtime-storage.ts";
import { quiet } from "./bucket.ts";
import { withCountingRuntime } from "./counting-runtime.ts";
import { assertThat, inTemporaryDirectory, JOB } from "./proof-job.ts";
import type { Report } from "./proof-job.ts";

export interface IdleOptions {
  /** 10 s are enough for the platform to evict idle objects. */
  readonly idleMs: number;
  readonly report: Report;
}

export async function run({ idleMs, report }: IdleOptions): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const storage = new RuntimeStorage(directory);
    // The interval of the job as it is written: checkpoints come by themselves.
    await withCountingRuntime(directory, {}, async ({ client, operations }) => {
      await client.json(`/jobs/${JOB}/lines`, { method: "POST", body: "busy for a moment\n" });
      await completed(storage);
      await quiet(storage);
      const before = await operations();
      await wait(idleMs);
      const alarms = storage.alarms();
      const after = await operations();
      assertThat(before.rowsWritten > 0, "Rows are not counted.");
      assertThat(alarms.length === 0, `An idle job set alarms: ${JSON.stringify(alarms)}.`);
      assertThat(
        JSON.stringify(after) === JSON.stringify(before),
        `An idle job was not idle: ${JSON.stringify(before)} became ${JSON.stringify(after)}.`,
      );
      report(
        `Idle for ${idleMs / 1000} s after the last checkpoint: no request to the bucket, no alarm, ` +
          `no row written after ${before.rowsWritten} rows for the one line before.`,
      );
    });
  });
}

const COMPLETED_WITHIN_MS = 30_000;

/** Resolves once a checkpoint was completed; asks nobody, so that nobody is kept awake. */
async function completed(storage: RuntimeStorage): Promise<void> {
  const giveUpAt = performance.now() + COMPLETED_WITHIN_MS;
  while (storage.rows("Coordinator", "retained").length === 0) {
    assertThat(performance.now() < giveUpAt, "No checkpoint came by itself within 30 s.");
    await wait(50);
  }
}
