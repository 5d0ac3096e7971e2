import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ScriptedJob } from "./scripted-job.ts";

const words = ["see", "the", "weir", "a", "river", "flows", "on"];

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      lines: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 3_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("trigger" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("complete" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("receiverLosesMemory" as const), index: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sourceLosesMemory" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("receiverRestores" as const),
      index: fc.nat(2),
      is: fc.boolean(),
    }),
  },
);

type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

async function run(job: ScriptedJob, one: Action): Promise<void> {
  switch (one.kind) {
    case "append":
      await job.append(Array.from({ length: one.lines }, () => line(job)));
      break;
    case "wait":
      await job.clock.advance(one.ms);
      break;
    case "trigger":
      await job.trigger();
      break;
    case "complete":
      await job.completeIfAcknowledged();
      break;
    case "receiverLosesMemory":
      await job.receivers[one.index]!.loseMemory(job.source);
      break;
    case "sourceLosesMemory":
      job.restartSource();
      break;
    case "receiverRestores":
      job.receivers[one.index]!.isRestoring = one.is;
      break;
  }
}

function line(job: ScriptedJob): string {
  const length = job.random.between(1, 6);
  return Array.from({ length }, () => job.random.pick(words)).join(" ");
}

function checkSnapshots(job: ScriptedJob): void {
  expect(job.violations).toEqual([]);
  for (const [index, receiver] of job.receivers.entries()) {
    for (const [checkpoint, { counts, offset }] of receiver.snapshots) {
      expect(offset).toBe(job.offsets.get(checkpoint));
      expect(counts).toEqual(job.expectedCounts(index, offset));
    }
  }
}

async function settle(job: ScriptedJob): Promise<void> {
  job.loss = 0;
  for (const receiver of job.receivers) receiver.isRestoring = false;
  for (let round = 0; round < 20; round++) await job.clock.advance(1_000);
}

test("[1, 2, 8] every line counts once and every barrier stands at its line, whatever is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 40 }),
      fc.nat(),
      async (actions, seed) => {
        const job = new ScriptedJob({ parallelism: 3, seed, loss: 0.15, creditBytes: 200 });
        for (const one of actions) {
          await run(job, one);
          checkSnapshots(job);
        }
        await settle(job);
        checkSnapshots(job);
        for (const [index, receiver] of job.receivers.entries()) {
          expect(receiver.counts).toEqual(job.expectedCounts(index));
        }
        // A checkpoint under way comes to its end.
        await job.completeIfAcknowledged();
        expect(job.pending).toBeUndefined();
        // And the job is able to complete a checkpoint that covers everything, after which it sleeps.
        // The first trigger may find a source that has just woken up.
        const isTriggered = await job.trigger();
        await settle(job);
        if (!isTriggered) await job.trigger();
        await settle(job);
        await job.completeIfAcknowledged();
        expect(job.completed).toBe(job.triggered);
        expect(job.completedOffset).toBe(job.lines.length);
        await settle(job);
        expect(job.context.alarm.get()).toBeUndefined();
        expect(job.context.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});
