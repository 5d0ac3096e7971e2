/**
 * The steps of the coordinator that no simulated world leads to, because an operator or a failing task
 * does: crashed at before and after, with scripted tasks. Whatever the step, a call that is made again
 * brings the job to where it was to go.
 */
import { expect, it } from "vitest";
import { ScriptedJob, survive, task } from "../durable-objects/coordinator/scripted-job.ts";

const DAY_MS = 24 * 3_600_000;
const OPTIONS = {
  checkpoint: { intervalMs: 0, retained: 3, timeoutMs: 10_000, tolerableFailures: 1_000 },
  restart: { attempts: 100 },
  output: { retainMs: DAY_MS },
};

async function attachAll(job: ScriptedJob): Promise<void> {
  await survive(job.attachAll());
  await job.advance(3_000);
  await survive(job.attachAll());
}

/** A failure of a record, told again as a task does when nobody answered. */
async function failure(job: ScriptedJob): Promise<string> {
  const { attempt, generation } = job.attached[0]!;
  const error = { name: "TypeError", message: "no such word" };
  for (let times = 0; times < 2; times++) {
    await survive(job.coordinator.fail({ task: task(0), generation, attempt, error }));
  }
  await job.advance(70_000);
  await attachAll(job);
  return `generation ${job.attached[0]!.generation}`;
}

async function rollback(job: ScriptedJob): Promise<string> {
  const { attempt, generation } = job.attached[0]!;
  const request = { task: task(0), generation, attempt, reason: "A channel lost its end." };
  for (let times = 0; times < 2; times++) await survive(job.coordinator.requestRollback(request));
  await job.advance(3_000);
  await attachAll(job);
  return `generation ${job.attached[0]!.generation}`;
}

/** A task cannot write what it froze; it says so once more, as no task does, to be sure that it counts once. */
async function declined(job: ScriptedJob): Promise<string> {
  await job.lines(10, "halfFull");
  await job.advance(0);
  const { checkpoint } = job.sources[0]!.triggers.at(-1)!;
  const { attempt, generation } = job.attached[0]!;
  const said = { task: task(0), generation, attempt, checkpoint, message: "It is damaged." };
  for (let times = 0; times < 2; times++) {
    await survive(job.coordinator.declineCheckpoint({ ...said, reason: "IO_EXCEPTION" }));
  }
  const detail = await job.coordinator.checkpointDetail(checkpoint);
  return JSON.stringify([detail?.["status"], detail?.["failure_reason"]]);
}

async function change(job: ScriptedJob): Promise<string> {
  const { attempt, generation } = job.attached[0]!;
  for (let times = 0; times < 2; times++) {
    await survive(job.coordinator.taskChanged({ task: task(0), generation, attempt }));
  }
  const answer = job.coordinator.requestCheckpoint({ waitMs: 0 });
  await job.advance(3_000);
  await survive(answer);
  const { checkpoint } = job.sources[0]!.triggers.at(-1)!;
  return `a checkpoint ${checkpoint > 0 ? "is triggered" : "is missing"}`;
}

/** Nobody acknowledges the final checkpoint: the job goes on. */
async function stopInVain(job: ScriptedJob): Promise<string> {
  await survive(job.lines(10));
  const stopping = survive(job.coordinator.stop({ drain: false, savepoint: false }));
  for (let minutes = 0; minutes < 30; minutes++) await job.advance(60_000);
  await stopping;
  return (await job.coordinator.status()).status;
}

async function cancelAndStart(job: ScriptedJob): Promise<string> {
  const cancel = { cancel: true, checkpoints: "retain", drain: false, savepoint: false } as const;
  for (let times = 0; times < 2; times++) await survive(job.coordinator.stop(cancel));
  await job.advance(3_000);
  const { status } = await job.coordinator.status();
  for (let times = 0; times < 2; times++) await survive(job.coordinator.start({ from: "latest" }));
  await job.advance(3_000);
  await attachAll(job);
  return `${status}, then ${(await job.coordinator.status()).status}`;
}

/** The path of the first manifest is taken by somebody else's object. */
async function foreignManifest(job: ScriptedJob): Promise<string> {
  const { bucket } = job;
  const foreign = new TextEncoder().encode("not a manifest of this job");
  const put = bucket.put.bind(bucket);
  let taken: string | undefined;
  bucket.put = (path, bytes) => {
    taken ??= path;
    if (path === taken) bucket.blobs.set(path, foreign);
    return put(path, bytes);
  };
  await job.lines(10, "halfFull");
  for (let round = 0; round < 6; round++) {
    await job.advance(12_000);
    await acknowledge(job);
    await survive(job.lines(10, "halfFull"));
  }
  await job.advance(60_000);
  const isKept = bucket.blobs.get(taken!) === foreign;
  const isCompleted = (await job.latest()) > 0;
  return `the object ${isKept ? "stays" : "is gone"}, a checkpoint ${isCompleted ? "completes" : "never completes"}`;
}

async function acknowledge(job: ScriptedJob): Promise<void> {
  const checkpoint = job.sources[0]!.triggers.at(-1)?.checkpoint;
  for (const index of job.partitions.keys()) {
    if (checkpoint === undefined) return;
    await survive(job.coordinator.acknowledge(job.withTables(index, checkpoint, [`o${index}`])));
    await job.advance(100);
  }
}

/** Output with an object of its own, committed, and left alone for longer than it is kept. */
async function outdatedOutput(job: ScriptedJob): Promise<string> {
  await job.lines(10, "halfFull");
  await job.advance(0);
  const { checkpoint } = job.sources[0]!.triggers.at(-1)!;
  const object = job.path(0, "output");
  job.bucket.blobs.set(object, new Uint8Array(10));
  for (const index of job.partitions.keys()) {
    const data = { path: object, size: 10 };
    const output = index === 0 ? [{ checkpoint, records: 1, data }] : [];
    await job.coordinator.acknowledge(job.acknowledgement(index, checkpoint, { output }));
  }
  await job.advance(10_000);
  const isKept = job.bucket.blobs.has(object);
  await job.advance(2 * DAY_MS);
  return `kept ${isKept}, then ${job.bucket.blobs.has(object)}, alarm ${job.context.alarm.get()}`;
}

const WORK = [
  {
    steps: ["prune output"],
    work: outdatedOutput,
    outcome: "kept true, then false, alarm undefined",
  },
  { steps: ["fail", "restart"], work: failure, outcome: "generation 2" },
  { steps: ["roll back"], work: rollback, outcome: "generation 2" },
  { steps: ["decline"], work: declined, outcome: `["FAILED","IO_EXCEPTION"]` },
  { steps: ["task changed"], work: change, outcome: "a checkpoint is triggered" },
  { steps: ["stop given up"], work: stopInVain, outcome: "RUNNING" },
  { steps: ["cancel", "start"], work: cancelAndStart, outcome: "STOPPED, then RUNNING" },
  {
    steps: ["give up manifest"],
    work: foreignManifest,
    outcome: "the object stays, a checkpoint completes",
  },
] as const;

const CASES = WORK.flatMap(({ steps, work, outcome }) =>
  steps.flatMap((step) =>
    ["before", "after"].map((side) => ({ point: `coordinator: ${side} ${step}`, work, outcome })),
  ),
);

it.each(CASES)("survives a crash $point", async ({ point, work, outcome }) => {
  const job = new ScriptedJob(OPTIONS);
  await job.attachAll();
  job.crashAt(point);
  const result = await work(job);
  expect({ result, crashes: job.crashes }).toEqual({ result: outcome, crashes: 1 });
});
