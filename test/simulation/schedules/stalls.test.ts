/** Rules 22 to 27 and 32: a job goes on by itself, whatever was lost, and rests when there is nothing to do. */
import { expect } from "vitest";
import type { SourceReport } from "../../../durable-objects/messages.ts";
import { PartitionCheckpoints } from "../../../durable-objects/partition/checkpoint.ts";
import { KeepAwake } from "../../../durable-objects/partition/keep-awake.ts";
import { job } from "../../../dataflow/job.ts";
import { BarrierAlignment } from "../../../dataflow/keyed/alignment.ts";
import { type Breakage, withSql } from "../mutants/mutant.ts";
import { answering, coordinatorForgets, replacing } from "../mutants/breakages.ts";
import { C, options, P0, P1, S0, S1, VERTEX, wordCount, x, y } from "./cast.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** C dies between triggering S0 and S1; the interval is 0. */
schedule("[rule 22b] a trigger that reached one source of two reaches the other one too", {
  job: wordCount({ sources: 2 }),
  async play(stage) {
    for (const source of [S0, S1]) await stage.post(source, `${x} ${y}`);
    await stage.settle();
    const toS1 = stage.hold({ from: C, to: S1, call: "triggerCheckpoint" });
    const checkpoint = await stage.trigger();
    await stage.settle();
    stage.loseMemory(C);
    toS1.lose();
    await stage.pass(20_000);
    return { isCompleted: stage.record.completed >= checkpoint };
  },
  kept: { isCompleted: true },
  without: {
    "what is pending is in memory": {
      breakages: [
        coordinatorForgets(
          "UPDATE job SET record = json_set(json_remove(record, '$.pending'), '$.due', json('{}'))",
        ),
      ],
      broken: { isCompleted: false },
    },
  },
});

/** P0 has every barrier and loses its memory while it uploads; nobody calls it. */
schedule("[rule 22c] a partition that lost its memory while it uploaded is called again at once", {
  job: wordCount({ checkpoint: { timeoutMs: 60_000 } }),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const upload = stage.hold({ from: P0, to: C, call: "acknowledge" });
    const checkpoint = await stage.trigger();
    await stage.until("P0 has its barrier", () => upload.count > 0);
    stage.loseMemory(P0);
    upload.lose();
    await stage.pass(5_000);
    return { isCompleted: stage.record.completed >= checkpoint };
  },
  kept: { isCompleted: true },
  without: {
    "a barrier is answered when it has arrived": {
      breakages: [
        replacing(PartitionCheckpoints.prototype, "begin", (original, _self, [barrier]) => {
          void original(barrier!);
          return Promise.resolve("settled");
        }),
      ],
      broken: { isCompleted: false },
    },
  },
});

/** S0's barrier of 1 holds its channel; S1's never comes, and 1 is given up. */
schedule("[rule 22] a channel that is held goes on when the checkpoint is given up", {
  job: wordCount({ sources: 2, checkpoint: { timeoutMs: 10_000 } }),
  async play(stage) {
    for (const source of [S0, S1]) await stage.post(source, x);
    await stage.settle();
    const fromS1 = stage.hold({ from: S1, to: P0, call: "barrier" });
    const checkpoint = await stage.trigger();
    await stage.settle();
    await stage.post(S0, x);
    const decision = await stage.decision(checkpoint);
    await stage.settle();
    const live = await stage.live(VERTEX);
    fromS1.lose();
    return { decision, live };
  },
  kept: { decision: "given up", live: { [x]: 3 } },
  without: {
    "only the missing barrier lets it go": {
      breakages: [replacing(BarrierAlignment.prototype, "abort", () => undefined)],
      broken: { decision: "given up", live: { [x]: 2 } },
    },
  },
});

/** The job goes to generation 2 while P0 waits for the answer to its attach. */
schedule("[rule 23] attach and enter do not wait for each other", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    stage.loseMemory(P0);
    const attaching = stage.hold({ from: P0, to: C, call: "attachPartition" });
    void stage.outside.partition(P0.task).scanState(ANY_SCAN);
    await stage.settle();
    await stage.failTask();
    await stage.pass(3_000);
    attaching.release();
    return stage.live(VERTEX);
  },
  kept: { [x]: 1, [y]: 1 },
  without: {
    "attach tells everybody of the generation, and enter waits for the restore": {
      breakages: [tellingEverybodyInAttach(), waitingInEnter()],
      broken: failure("somebody outside is answered"),
    },
  },
});

const ANY_SCAN = { state: "none", prefix: "", limit: 1, order: "key" } as const;

function tellingEverybodyInAttach(): Breakage {
  return {
    kind: "coordinator",
    methods: (logic, { peers }) => ({
      async attachPartition(argument) {
        const told = [P0, P1].map(({ task }) =>
          peers.partition(task).enter({ generation: 2, status: "RUNNING" }),
        );
        await Promise.all(told);
        return logic["attachPartition"]!(argument);
      },
    }),
  };
}

function waitingInEnter(): Breakage {
  return {
    kind: "partition",
    methods: (logic, context) => ({
      async enter(argument) {
        await logic["enter"]!(argument);
        for (;;) {
          const answer = await logic["openChannel"]!({ source: 0, generation: 0 });
          if ((answer as { kind: string }).kind !== "notReady") return;
          await new Promise<void>((resolve) => void context.setTimer(500, resolve));
        }
      },
    }),
  };
}

/** A word count, and behind it how many words occur how often. */
function region() {
  return job("schedule", options({ checkpoint: { intervalMs: 60_000 } }))
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("groups");
}

/** A line every 6 s, whose updates meet the partitions behind in turn: some are silent for longer than 10 s. */
schedule("[rule 24] partitions that feed each other do not undo each other by falling asleep", {
  job: region(),
  async play(stage) {
    for (let round = 0; round < 12; round++) {
      await stage.post(S0, "word");
      await stage.pass(6_000);
    }
    return { generation: stage.record.generation, groups: await stage.live("groups") };
  },
  kept: { generation: 1, groups: { 12: 1 } },
  without: {
    "nobody stays awake, and silent input is not checkpointed": {
      breakages: [
        replacing(KeepAwake.prototype, "changed", () => undefined),
        {
          kind: "coordinator",
          methods: (logic) => ({
            sourceChanged: (change) =>
              (change as { reason: string }).reason === "silent"
                ? Promise.resolve()
                : logic["sourceChanged"]!(change),
          }),
        },
      ],
      broken: {
        generation: expect.toSatisfy((raised) => Number(raised) > 2) as unknown,
        groups: { 12: 1 },
      },
    },
  },
});

/** A backlog that P0 does not take; somebody asks for a checkpoint; P0 takes it after 30 s. */
schedule("[rule 25] a requested checkpoint does not put its barrier behind the backlog", {
  job: wordCount({ checkpoint: { intervalMs: 5_000, timeoutMs: 10_000 } }),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    stage.loseMemory(P0);
    const asleep = stage.hold({ from: P0, to: C, call: "attachPartition" });
    for (let line = 0; line < 3; line++) await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const { counts } = stage.record;
    await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 0 }));
    await stage.settle();
    const isTriggered = stage.record.pending !== undefined;
    asleep.release();
    await stage.until("a checkpoint covers the backlog", () => covered(stage) === 4);
    return { isTriggered, failed: stage.record.counts.failed - counts.failed };
  },
  kept: { isTriggered: false, failed: 0 },
  without: {
    "a request triggers at once": {
      breakages: [
        answering("source", "awaitProcessed", (report: SourceReport) => ({
          ...report,
          processed: report.accepted,
        })),
      ],
      broken: { isTriggered: true, failed: 0 },
    },
  },
});

function covered(stage: Stage): number {
  return stage.offsets(stage.record.completed)[0] ?? 0;
}

/** 1 is given up, and input falls silent. */
schedule("[rule 26a] what changed is judged against the last completed checkpoint", {
  job: wordCount({ checkpoint: { intervalMs: 5_000, timeoutMs: 10_000 } }),
  async play(stage) {
    const upload = stage.hold({ from: P0, to: C, call: "acknowledge" });
    await stage.post(S0, `${x} ${y}`);
    await stage.until("a checkpoint is given up", () => stage.record.counts.failed > 0);
    upload.lose();
    await stage.pass(55_000);
    return { covered: covered(stage) };
  },
  kept: { covered: 1 },
  without: {
    "against the last one triggered": {
      breakages: [judgedAgainstTheLastTriggered()],
      broken: { covered: 0 },
    },
  },
});

/** Whatever was triggered counts as covered: a source has nothing new to report. */
function judgedAgainstTheLastTriggered(): Breakage {
  return {
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("SELECT data FROM source")) return undefined;
        const rows = context.sql.exec<{ data: string }>(query, ...bindings);
        return rows.map(({ data }) => {
          const row = JSON.parse(data) as {
            report?: object;
            triggered?: { state: { offset: number } };
          };
          const { report, triggered } = row;
          if (report === undefined || triggered === undefined) return { data };
          const { offset } = triggered.state;
          return { data: JSON.stringify({ ...row, report: { ...report, accepted: offset - 1 } }) };
        });
      }),
  };
}

/** P1 dies without a throw each time, soon after it woke. */
schedule("[rule 32b] a partition that dies again and again is a failure of the job", {
  job: wordCount({ restart: { attempts: 2, maxBackoffMs: 1_000 } }),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    stage.hold({ from: P1, to: C, call: "acknowledge" });
    for (let death = 0; death < 60 && stage.record.status !== "FAILED"; death++) {
      stage.loseMemory(P1);
      await stage.wake(P1);
      await stage.pass(700);
    }
    return { status: stage.record.status };
  },
  kept: { status: "FAILED" },
  without: {
    "attaches are not counted": {
      breakages: [skippingCounts()],
      broken: { status: "RUNNING" },
    },
  },
});

function skippingCounts(): Breakage {
  return {
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("INSERT OR REPLACE INTO task")) return undefined;
        const [vertex, number, data] = bindings as [string, number, string];
        const row = JSON.stringify({ ...(JSON.parse(data) as object), attaches: 0 });
        return context.sql.exec(query, vertex, number, row);
      }),
  };
}
