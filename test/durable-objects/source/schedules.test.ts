/** Schedules of calls that once led a source astray, one test each. */
import { expect, test } from "vitest";
import type { SourceFrame } from "../../../durable-objects/messages.ts";
import { ScriptedJob, segment } from "./scripted-job.ts";

/** The first frame the source sends now: its call breaks, and it is still under way. */
async function loseFrame(job: ScriptedJob): Promise<SourceFrame> {
  const receiver = job.receivers[0]!;
  const underWay: SourceFrame[] = [];
  receiver.underWay = underWay;
  while (underWay.length === 0) await job.clock.advance(1);
  receiver.underWay = undefined;
  return underWay[0]!;
}

/** The broken call is heard of at the latest then, and the channel is not yet open again. */
const backOffMs = 40;

test("[rule 2] fixes no offset below what may still arrive over a broken connection", async () => {
  const job = new ScriptedJob({ parallelism: 1 });
  await job.append(["a", "b"]);
  const late = await loseFrame(job);
  await job.clock.advance(backOffMs);
  expect(await job.trigger()).toBe(true);
  expect(job.offsets.get(1)).toBe(2);
  expect(job.receivers[0]!.deliverLate(late)).toMatchObject({ kind: "done" });
  await job.clock.advance(1_000);
  expect(job.receivers[0]!.snapshots.get(1)).toEqual({
    offset: 2,
    counts: job.expectedCounts(0, 2),
  });
});

test("[rule 1] is not overtaken by a frame its last lifetime sent before the channel was opened anew", async () => {
  const job = new ScriptedJob({ parallelism: 1 });
  await job.append(["a", "b"]);
  const late = await loseFrame(job);
  job.restartSource();
  await job.append(["c"]);
  await job.clock.advance(1_000);
  expect(job.receivers[0]!.deliverLate(late)).toMatchObject({ kind: "notReady" });
  await job.clock.advance(1_000);
  expect(await job.trigger()).toBe(true);
  await job.clock.advance(1_000);
  expect(job.receivers[0]!.counts).toEqual(job.expectedCounts(0));
  expect(job.receivers[0]!.snapshots.has(1)).toBe(true);
});

test("an answer to attach that the end of the job has overtaken does not wake it for ever", async () => {
  const job = new ScriptedJob();
  const held = Promise.withResolvers<void>();
  const call = job.call.bind(job);
  job.call = async (effect) => {
    const answer = await call(effect);
    await held.promise;
    return answer;
  };
  await job.append(["a"]);
  await job.clock.advance(1_000);
  expect(job.attaches).toBe(1);
  job.status = "STOPPED";
  await job.source.enter({ generation: 2, status: "STOPPED" });
  held.resolve();
  await job.clock.advance(10_000);
  expect(job.source.figures.canReport).toBe(false);
  expect(await job.source.append(segment(["b"]))).toMatchObject({ kind: "unavailable" });
});
