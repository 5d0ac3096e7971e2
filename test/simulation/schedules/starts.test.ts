/** Rules 18 and 38: starting from an older checkpoint, and below the beginning of the log. */
import type { SourceReport } from "../../../durable-objects/messages.ts";
import { type Breakage, withSql } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { answering, skipping } from "../mutants/breakages.ts";
import { C, echo, P0, P1, S0, VERTEX, wordCount, x, y } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** Checkpoints 1 to `count`, one line each; the job is stopped. */
async function stopAfter(stage: Stage, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    await stage.checkpoint();
  }
  const cancel = { cancel: true, checkpoints: "retain", drain: false, savepoint: false } as const;
  await stage.ask(() => stage.coordinator.stop(cancel));
  await stage.pass(3_000);
}

schedule("[rule 18] the log is kept back to the oldest retained checkpoint, not to the latest", {
  job: wordCount({ checkpoint: { retained: 3 } }),
  async play(stage) {
    await stopAfter(stage, 3);
    const { kind } = await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
    await stage.pass(5_000);
    return { kind, live: kind === "started" ? await stage.live(VERTEX) : {} };
  },
  kept: { kind: "started", live: { [x]: 3, [y]: 3 } },
  without: {
    "it is truncated at the offset of the latest": {
      breakages: [
        mutantNamed("truncates the log at the latest checkpoint, though an older one is retained"),
      ],
      broken: { kind: "gap", live: {} },
    },
  },
});

/** Started from 1 of 3; the coordinator dies before another one completes. */
schedule("[rule 18] what was started from counts, with its tables, and never the highest number", {
  job: wordCount({ checkpoint: { retained: 4 } }),
  async play(stage) {
    await stopAfter(stage, 3);
    await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
    stage.loseMemory(C, P0, P1);
    await stage.wake(P0);
    await stage.wake(P1);
    const checkpoint = await stage.checkpoint();
    return { checkpoint, state: (await stage.stateAt(checkpoint))[VERTEX] };
  },
  kept: { checkpoint: 4, state: { [x]: 3, [y]: 3 } },
  without: {
    "the tables stay those of the highest": {
      breakages: [startsWithoutTables()],
      // It adds the lines since 1 to what 3 holds of them already.
      broken: { checkpoint: 4, state: { [x]: 5, [y]: 5 } },
    },
  },
});

/** A start moves the pointer and the offsets, and no tables. */
function startsWithoutTables(): Breakage {
  let isStarting = false;
  return {
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query) =>
        isStarting && query.startsWith("INSERT OR REPLACE INTO partition_state") ? [] : undefined,
      ),
    methods: (logic) => ({
      async start(request) {
        isStarting = true;
        const answer = await logic["start"]!(request);
        isStarting = false;
        return answer;
      },
    }),
  };
}

schedule("[rule 18] the feed says where it begins to repeat", {
  job: echo({ checkpoint: { retained: 3 } }),
  async play(stage) {
    await stopAfter(stage, 2);
    await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
    await stage.pass(1_000);
    await stage.checkpoint();
    const answer = await stage.ask(() => stage.coordinator.readOutput({}));
    const segments = answer.kind === "segments" ? answer.segments : [];
    return segments.map((segment) =>
      segment.kind === "rewound" ? `from ${segment.from} to ${segment.to}` : segment.checkpoint,
    );
  },
  kept: [1, 2, "from 2 to 1", 3],
  without: {
    "results are repeated and nobody says so": {
      breakages: [
        skipping("coordinator", "INSERT INTO output (number, committed_at, records, segments) "),
      ],
      broken: [1, 2, 3],
    },
  },
});

/** The log lost its first two lines, and checkpoint 1 stands at the first. */
schedule("[rule 38] a start below the first line of the log is refused with the gap", {
  job: wordCount({ checkpoint: { retained: 4 } }),
  async play(stage) {
    await stopAfter(stage, 3);
    stage.rows(S0, "DELETE FROM segments WHERE first_line < 2");
    stage.loseMemory(S0);
    const answer = await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
    await stage.pass(5_000);
    const failures = stage.rows(C, "SELECT number FROM exception").length;
    return { answer, hasFailed: failures > 0 };
  },
  kept: {
    answer: { kind: "gap", sources: [{ source: 0, from: 1, firstKept: 2 }] },
    hasFailed: false,
  },
  without: {
    "nobody asks the log": {
      breakages: [
        answering("source", "awaitProcessed", (report: SourceReport) => ({
          ...report,
          firstKept: 0,
        })),
      ],
      broken: { answer: { kind: "started", generation: 3 }, hasFailed: true },
    },
  },
});
