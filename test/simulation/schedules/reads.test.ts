/** Rules 12a, 20, 29, 35, 41 and 43: what answers questions, and what the answers cost. */
import type {
  CoordinatorCalls,
  ScanAnswer,
  ScanRequest,
} from "../../../durable-objects/messages.ts";
import { SourceLog } from "../../../durable-objects/source/log.ts";
import { sourceOfProducer } from "../../../durable-objects/source-of-producer.ts";
import { type Breakage, patched, spread } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { asked, coordinatorForgets } from "../mutants/breakages.ts";
import { C, options, P0, P1, reducing, S0, VERTEX, wordCount, wordsFor, x, y } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const SCAN = { state: VERTEX, prefix: "", limit: 10_000, order: "key" } as const;

/** x is 2, one of it in no checkpoint; P0 wakes, and its source is slow. */
schedule("[rule 20a] a partition that woke up does not answer with less than before", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, x);
    await stage.settle();
    stage.loseMemory(P0);
    const replay = stage.hold({ from: S0, to: P0, call: "frame" });
    const early = await stage.ask(() => stage.outside.partition(P0.task).scanState(SCAN));
    replay.release();
    return { early: early.kind };
  },
  kept: { early: "notReady" },
  without: {
    "it answers what it has": {
      breakages: [mutantNamed("answers live reads before it has caught up")],
      broken: { early: "page" },
    },
  },
});

schedule("[rule 20b] a partition refuses a key group that is not its own", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, y);
    await stage.settle();
    const request = { state: VERTEX, keyGroup: 15, key: new TextEncoder().encode(y) };
    const { kind } = await stage.ask(() => stage.outside.partition(P0.task).readState(request));
    return kind;
  },
  kept: "notOwner",
  without: {
    "it looks into what it has": {
      breakages: [asked("partition", "readState", (given: object) => ({ ...given, keyGroup: 0 }))],
      broken: "missing",
    },
  },
});

/** Every line stands for 40 MiB of log. */
const LONG_LINES: Breakage = {
  kind: "source",
  patch: () =>
    patched(SourceLog.prototype, "byteAt", () => ({
      value: (line: number) => line * 40 * 1024 * 1024,
    })),
};

/** P0 does not wake up; the lines of an hour come meanwhile. */
schedule("[rule 29] a partition that lags is not left behind further than 64 MiB of log", {
  job: wordCount(),
  conditions: [LONG_LINES],
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    stage.loseMemory(P0);
    const asleep = stage.hold({ from: P0, to: C, call: "attachPartition" });
    for (let line = 0; line < 8; line++) await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const { [y]: ofP1 } = await scanOf(stage, P1);
    asleep.release();
    return { ofP1, live: await stage.live(VERTEX) };
  },
  kept: { ofP1: 3, live: { [x]: 9, [y]: 9 } },
  without: {
    "each goes on by itself": {
      breakages: [
        {
          kind: "source",
          patch: () => patched(SourceLog.prototype, "byteAt", () => ({ value: () => 0 })),
        },
      ],
      broken: { ofP1: 9, live: { [x]: 9, [y]: 9 } },
    },
  },
});

async function scanOf(
  stage: Stage,
  { task }: typeof P0,
): Promise<Readonly<Record<string, number>>> {
  const page = await stage.ask(async () => {
    const answer = await stage.outside.partition(task).scanState(SCAN);
    return answer.kind === "page" ? answer : "again";
  });
  return Object.fromEntries(
    page.entries.map(({ key, value }) => [JSON.parse(key) as string, Number(value)]),
  );
}

const VALUE = "v".repeat(100_000);

/** 44 values of 100 KB of one partition, and a reader who wants 10,000. */
schedule("[rule 41] a page ends before 4 MiB, whatever its limit, and goes on from there", {
  job: reducing({ parallelism: 1 }),
  async play(stage) {
    for (let number = 0; number < 44; number++) await stage.post(S0, `k${number} ${VALUE}`);
    await stage.settle();
    let largest = 0;
    let entries = 0;
    let from: { readonly cursor?: string } = {};
    for (;;) {
      const request: ScanRequest = { ...SCAN, ...from };
      const page = await stage.ask(() => stage.outside.partition(P0.task).scanState(request));
      if (page.kind !== "page") return page.kind;
      largest = Math.max(largest, JSON.stringify(page).length);
      entries += page.entries.length;
      if (page.next === undefined) break;
      from = { cursor: page.next };
    }
    return { isBounded: largest < 4 * 1024 * 1024, entries };
  },
  kept: { isBounded: true, entries: 44 },
  without: {
    "only the count bounds a page": {
      breakages: [
        {
          kind: "partition",
          methods: (logic) => ({
            async scanState(request) {
              const entries: object[] = [];
              for (let from = {}; ;) {
                const given = { ...(request as ScanRequest), ...from };
                const page = (await logic["scanState"]!(given)) as ScanAnswer;
                if (page.kind !== "page") return page;
                entries.push(...page.entries);
                if (page.next === undefined) return { kind: "page", entries };
                from = { cursor: page.next };
              }
            },
          }),
        },
      ],
      broken: { isBounded: false, entries: 44 },
    },
  },
});

/** A dashboard asks while every task sleeps. */
schedule("[rule 43] monitoring calls no task", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    await stage.checkpoint();
    await stage.pass(30_000);
    const before = stage.script.count({ from: C });
    for (let time = 0; time < 5; time++) {
      for (const question of ["describeJob", "checkpointStatistics", "cost", "topology"] as const) {
        await stage.ask<object>(() => stage.coordinator[question]());
      }
      await stage.pass(2_000);
    }
    return { calls: stage.script.count({ from: C }) - before };
  },
  kept: { calls: 0 },
  without: {
    "figures are fetched where they are": {
      breakages: [
        {
          kind: "coordinator",
          methods: (logic, { peers }) => ({
            async describeJob() {
              await peers.partition(P0.task).notedUploads();
              return logic["describeJob"]!();
            },
          }),
        },
      ],
      broken: { calls: 5 },
    },
  },
});

/** P0 wakes with the tables of four checkpoints. */
schedule("[rule 35b] waking up reads no table: restore does not grow with state", {
  job: wordCount(),
  async play(stage) {
    for (let round = 0; round < 4; round++) {
      await stage.post(
        S0,
        wordsFor(0, 40 * (round + 1), 1_000)
          .slice(-40)
          .join(" "),
      );
      await stage.settle();
      await stage.checkpoint();
    }
    stage.loseMemory(P0);
    const before = stage.script.count({ from: P0, to: "bucket", call: "GET" });
    await stage.wake(P0);
    return { reads: stage.script.count({ from: P0, to: "bucket", call: "GET" }) - before };
  },
  kept: { reads: 0 },
  without: {
    "the footers are opened": { breakages: [opensEveryTable()], broken: { reads: 4 } },
  },
});

function opensEveryTable(): Breakage {
  return {
    kind: "partition",
    context(context) {
      const coordinator = (): CoordinatorCalls => {
        const peer = context.peers.coordinator();
        return {
          ...({} as CoordinatorCalls),
          acknowledge: (acknowledgement) => peer.acknowledge(acknowledgement),
          async attachPartition(request) {
            const answer = await peer.attachPartition(request);
            if (answer.kind === "wait") return answer;
            for (const { inline, path } of answer.restored.tables) {
              if (inline === undefined) await context.blobStore.get(path);
            }
            return answer;
          },
        };
      };
      return { ...spread(context), peers: { ...context.peers, coordinator } };
    },
  };
}

/** Of S0 in a job of two sources, and of another one in a job of four. */
const PRODUCER = Array.from({ length: 100 }, (_, number) => `producer ${number}`).find(
  (id) => sourceOfProducer(id, 2) === 0 && sourceOfProducer(id, 4) !== 0,
)!;

/** A deploy makes four sources of two; a producer sends its request again, which another source takes. */
schedule("[rule 12a] a job whose log is there does not run with another number of sources", {
  job: (codeVersion) =>
    wordCount(options({ parallelism: 1, sources: codeVersion === "version-1" ? 2 : 4 })),
  async play(stage) {
    const segment = { producer: { id: PRODUCER, sequence: 0 }, lines: [x], last: true };
    await stage.ask(() => stage.append(sourceOfProducer(PRODUCER, 2), segment));
    await stage.settle();
    for (const object of [C, S0, P0]) stage.deployTo(object, 2);
    await stage.ask(() => stage.append(sourceOfProducer(PRODUCER, 4), segment));
    await stage.wake(P0);
    await stage.pass(5_000);
    return { status: stage.record.status };
  },
  kept: { status: "FAILED" },
  without: {
    "a deploy may change it": {
      breakages: [
        coordinatorForgets("UPDATE job SET record = json_set(record, '$.shape.sources', 4)"),
      ],
      broken: { status: "RUNNING" },
    },
  },
});
