import { describe, expect, test } from "vitest";
import { maxFrameBytes } from "../../../dataflow/frame.ts";
import { job as newJob } from "../../../dataflow/job.ts";
import type { Counts } from "./scripted-job.ts";
import { ScriptedJob, segment, wordCount } from "./scripted-job.ts";

async function runFor(job: ScriptedJob, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await job.clock.advance(1_000);
}

function counted(job: ScriptedJob): Counts[] {
  return job.receivers.map((receiver) => receiver.counts);
}

function expected(job: ScriptedJob): Counts[] {
  return job.receivers.map((_, index) => job.expectedCounts(index));
}

describe("appending", () => {
  test("costs one row for an anonymous segment, plus one for the alarm when none is set", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await job.append(["b"]);
    expect(job.context.alarm.get()).toBe(job.clock.now() + 5_000);
    await job.clock.advance(500);
    expect(job.reports[0]!.report.operations.rowsWritten).toBeLessThanOrEqual(1 + 1 + 1 + 1);
  });

  test("answers although neither coordinator nor partitions do", async () => {
    const job = new ScriptedJob({ loss: 1 });
    await job.append(["a b c"]);
    await runFor(job, 30);
    job.loss = 0;
    await runFor(job, 30);
    expect(counted(job)).toEqual(expected(job));
  });

  test("answers full when the log holds its limit, and takes lines again once it is truncated", async () => {
    const limit = 4 * 1024 * 1024;
    const job = new ScriptedJob({ graph: wordCount(2, { logLimitBytes: limit }) });
    const megabyte = [`x${"y".repeat(1024 * 1024 - 1)}`];
    for (let appended = 0; appended < 4; appended++) await job.append(megabyte);
    expect(await job.source.append(segment(["a"]))).toEqual({ kind: "full", retryAfterSeconds: 5 });
    await runFor(job, 1);
    expect(job.reports.map(({ reason }) => reason)).toContain("halfFull");
    expect(await job.trigger()).toBe(true);
    await runFor(job, 1);
    await job.completeIfAcknowledged();
    await job.append(["a"]);
    await runFor(job, 1);
    expect(counted(job)).toEqual(expected(job));
  });

  test("is refused while the job is stopped, also by a source that woke up meanwhile", async () => {
    const job = new ScriptedJob();
    await job.source.enter({ generation: 1, status: "STOPPED" });
    job.restartSource();
    expect(await job.source.append(segment(["a"]))).toMatchObject({
      kind: "unavailable",
      status: "STOPPED",
    });
    await job.source.enter({ generation: 1, status: "RUNNING" });
    await job.append(["a"]);
    await runFor(job, 1);
    expect(counted(job)).toEqual(expected(job));
  });

  test("refuses a segment that breaks its contract", async () => {
    const job = new ScriptedJob();
    const bytes = new Uint8Array(1024 * 1024 + 1);
    await expect(job.source.append({ fromLine: 0, lines: 1, bytes, last: true })).rejects.toThrow(
      "at most 1048576 bytes",
    );
    await expect(job.source.append({ ...segment([]), last: false })).rejects.toThrow("0 lines");
  });
});

describe("the pump", () => {
  test("cuts one line in the middle when its records do not fit a frame, and resumes there", async () => {
    const job = new ScriptedJob({ parallelism: 2 });
    job.receivers[0]!.lostFrames = [2, 5];
    const words = Array.from({ length: 90_000 }, (_, index) => `w${index % 60_000}`);
    await job.append(["w1 w2", words.join(" "), "w1 w2"]);
    await runFor(job, 10);
    expect(counted(job)).toEqual(expected(job));
    expect(job.violations).toEqual([]);
    expect(job.receivers[0]!.frames).toBeGreaterThan(2);
    expect(job.receivers[0]!.largestFrame).toBeLessThanOrEqual(maxFrameBytes);
  });

  test("[30] sends to one partition what is cut while another one's window is full", async () => {
    const job = new ScriptedJob({ parallelism: 2, creditBytes: 40 });
    let release = () => {};
    job.receivers[0]!.gate = new Promise((resolve) => (release = resolve));
    await job.append(Array.from({ length: 20 }, (_, index) => `a${index} b${index}`));
    await runFor(job, 1);
    expect(job.receivers[1]!.counts).toEqual(job.expectedCounts(1));
    expect(job.receivers[0]!.counts).toEqual({});
    job.receivers[0]!.gate = undefined;
    release();
    await runFor(job, 1);
    expect(counted(job)).toEqual(expected(job));
  });

  test("[29] keeps to the credit of a slow receiver and runs no further than its window", async () => {
    const job = new ScriptedJob({ parallelism: 2, creditBytes: 120 });
    await job.append(["a b c d"]);
    await runFor(job, 1);
    let release = () => {};
    job.receivers[0]!.gate = new Promise((resolve) => (release = resolve));
    for (let round = 0; round < 50; round++) {
      await job.append([`a${round} b${round} c${round} d${round}`]);
      await job.clock.advance(10);
    }
    expect(job.receivers[0]!.mostUnderWay).toBeLessThanOrEqual(120);
    expect(job.source.figures.report().processed).toBeLessThan(50);
    job.receivers[0]!.gate = undefined;
    release();
    await runFor(job, 3);
    expect(counted(job)).toEqual(expected(job));
  });
});

describe("the pump at its limits", () => {
  test("[32] goes on from the alarm when its slice is used up", async () => {
    const job = new ScriptedJob({ parallelism: 1, graph: wordCount(1) });
    const line = "weir ".repeat(200_000).trim();
    job.receivers[0]!.isRestoring = true;
    for (let appended = 0; appended < 20; appended++) await job.append([line]);
    let alarms = 0;
    const { onAlarm } = job.context;
    job.context.onAlarm = () => {
      alarms++;
      return onAlarm!();
    };
    job.receivers[0]!.isRestoring = false;
    await job.clock.advance(1_000);
    expect(alarms).toBeGreaterThan(0);
    await runFor(job, 2);
    expect(counted(job)).toEqual(expected(job));
  });

  test("reports the very line a function of the job threw at, and stops until told to go on", async () => {
    const graph = newJob("wordcount", { parallelism: 2, maxParallelism: 16 })
      .lines()
      .flatMap((line) => {
        if (line === "poison") throw new TypeError("No verb.");
        return line.split(" ");
      })
      .keyBy((word) => word)
      .count("counts").graph;
    const job = new ScriptedJob({ graph });
    await job.append(["a", "b", "poison", "c"]);
    await job.clock.advance(900);
    expect(job.failures).toHaveLength(1);
    expect(job.failures[0]).toMatchObject({
      source: 0,
      line: 2,
      generation: 1,
      error: {
        name: "TypeError",
        message: 'No verb. The flatMap of job "wordcount" failed at line 2 of source 0.',
      },
    });
    await job.append(["d"]);
    await job.clock.advance(900);
    expect(job.failures).toHaveLength(1);
    expect(job.source.figures.report().processed).toBe(0);
    await runFor(job, 6);
    expect(job.failures.length).toBeGreaterThan(1);
  });

  test("a position that the log no longer holds is a failure that says so", async () => {
    const job = new ScriptedJob({ parallelism: 1 });
    await job.append(["a"]);
    await runFor(job, 1);
    await job.trigger();
    await runFor(job, 1);
    await job.completeIfAcknowledged();
    job.receivers[0]!.position = { line: 0, record: 0 };
    await job.append(["b"]);
    await runFor(job, 1);
    expect(job.failures[0]!.error.message).toContain(
      "Line 0 of source 0 is needed and not in its log",
    );
  });
});

describe("checkpoints", () => {
  test("[2] a repeated trigger answers the offset that was fixed first, also after a loss of memory", async () => {
    const job = new ScriptedJob();
    await job.append(["a", "b"]);
    await runFor(job, 1);
    for (const receiver of job.receivers) receiver.isRestoring = true;
    const trigger = { generation: 1, checkpoint: 1, base: 0, mode: "incremental" } as const;
    expect(await job.source.triggerCheckpoint(trigger)).toMatchObject({ state: { offset: 2 } });
    await job.append(["c", "d"]);
    await runFor(job, 1);
    job.restartSource();
    expect(await job.source.triggerCheckpoint(trigger)).toMatchObject({ kind: "notReady" });
    for (const receiver of job.receivers) receiver.isRestoring = false;
    await runFor(job, 3);
    expect(await job.source.triggerCheckpoint(trigger)).toMatchObject({ state: { offset: 2 } });
    await runFor(job, 1);
    for (const [index, receiver] of job.receivers.entries()) {
      expect(receiver.snapshots.get(1)).toEqual({
        offset: 2,
        counts: job.expectedCounts(index, 2),
      });
    }
    expect(counted(job)).toEqual(expected(job));
  });

  test("[1] a source that woke up answers no trigger before every receiver has said where it stands", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await runFor(job, 1);
    job.restartSource();
    job.receivers[1]!.isRestoring = true;
    await job.append(["b"]);
    await runFor(job, 2);
    expect(await job.trigger()).toBe(false);
    job.receivers[1]!.isRestoring = false;
    await runFor(job, 2);
    expect(await job.trigger()).toBe(true);
  });
});

describe("completed checkpoints", () => {
  test("[7] a base that was pending here counts as completed although nobody said so", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await runFor(job, 1);
    await job.source.triggerCheckpoint({
      generation: 1,
      checkpoint: 1,
      base: 0,
      mode: "incremental",
    });
    await runFor(job, 1);
    await job.source.triggerCheckpoint({
      generation: 1,
      checkpoint: 2,
      base: 1,
      mode: "incremental",
    });
    expect(job.source.figures.hasUncovered).toBe(false);
  });

  test("[18] the log is kept from the line the coordinator names, never above the offset", async () => {
    const job = new ScriptedJob();
    for (const line of ["a", "b", "c"]) await job.append([line]);
    await runFor(job, 1);
    await job.trigger();
    await runFor(job, 1);
    await job.append(["d"]);
    const completed = { generation: 1, checkpoint: 1, offset: 3 };
    await job.source.completeCheckpoint({ ...completed, truncateBefore: 1 });
    expect(job.source.figures.report().firstKept).toBe(1);
    await job.append(["e"]);
    await job.source.completeCheckpoint({ ...completed, truncateBefore: 99 });
    expect(job.source.figures.report()).toMatchObject({ firstKept: 3, accepted: 5 });
  });

  test("[27] an alarm is set while lines are uncovered, and an idle source has none and asks nobody", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await runFor(job, 12);
    expect(job.context.alarm.get()).toBeDefined();
    await job.trigger();
    await runFor(job, 1);
    await job.completeIfAcknowledged();
    await runFor(job, 3);
    expect(job.context.alarm.get()).toBeUndefined();
    expect(job.context.pendingTimers).toBe(0);
    const reported = job.reports.length;
    await runFor(job, 60);
    expect(job.reports.length).toBe(reported);
  });

  test("[27] with interval 0 the alarm goes once the lines are delivered", async () => {
    const job = new ScriptedJob({ graph: wordCount(2, { checkpoint: { intervalMs: 0 } }) });
    await job.append(["a"]);
    await runFor(job, 12);
    expect(counted(job)).toEqual(expected(job));
    expect(job.context.alarm.get()).toBeUndefined();
  });

  test("[27] durable lines are pumped by the alarm alone after a loss of memory", async () => {
    const job = new ScriptedJob();
    job.receivers[0]!.isRestoring = true;
    await job.append(["a b c d"]);
    job.restartSource();
    job.receivers[0]!.isRestoring = false;
    await runFor(job, 7);
    expect(counted(job)).toEqual(expected(job));
  });
});

describe("reports", () => {
  test("[25, 26] say input once, and silent two seconds after the last line", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await job.clock.advance(500);
    await job.append(["b"]);
    await job.clock.advance(500);
    expect(job.reports.map(({ reason }) => reason)).toEqual(["input"]);
    await job.clock.advance(2_000);
    expect(job.reports.map(({ reason }) => reason)).toEqual(["input", "silent"]);
    expect(job.reports[1]!.report).toMatchObject({ accepted: 2, processed: 2, generation: 1 });
  });

  test("say input again when lines came in during a checkpoint", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await runFor(job, 1);
    await job.trigger();
    await job.append(["b"]);
    await job.clock.advance(500);
    await job.completeIfAcknowledged();
    await job.clock.advance(500);
    expect(job.reports.map(({ reason }) => reason)).toEqual(["input", "input"]);
  });

  test("awaitProcessed answers when the line is cut for every channel, or in the end without", async () => {
    const job = new ScriptedJob();
    job.receivers[0]!.isRestoring = true;
    await job.append(["a"]);
    let processed: number | undefined;
    const waiting = async (timeoutMs: number) => {
      processed = (await job.source.awaitProcessed({ line: 1, timeoutMs })).processed;
    };
    const timedOut = waiting(500);
    await runFor(job, 1);
    await timedOut;
    expect(processed).toBe(0);
    const answered = waiting(60_000);
    job.receivers[0]!.isRestoring = false;
    await runFor(job, 3);
    await answered;
    expect(processed).toBe(1);
  });
});

describe("generations", () => {
  test("[6] a newer generation makes the source attach and start from the checkpoint it is given", async () => {
    const job = new ScriptedJob();
    await job.append(["a", "b"]);
    await runFor(job, 1);
    job.generation = 2;
    for (const receiver of job.receivers) {
      receiver.counts = {};
      receiver.position = { line: 0, record: 0 };
      receiver.attempt++;
    }
    await job.append(["c"]);
    await runFor(job, 2);
    expect(job.attaches).toBe(2);
    expect(counted(job)).toEqual(expected(job));
    expect(job.source.figures.report().generation).toBe(2);
  });

  test("a repeated enter of the generation it is in disturbs nothing", async () => {
    const job = new ScriptedJob();
    await job.append(["a"]);
    await runFor(job, 1);
    await job.source.enter({ generation: 1, status: "RUNNING" });
    await runFor(job, 1);
    expect(job.attaches).toBe(1);
  });
});
