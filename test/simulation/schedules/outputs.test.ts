/** Rules 7, 17, 19 and 36: results are committed once, with the checkpoint that holds them. */
import { withSql } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { C, echo, P0, P1, S0, x, x2, y, y2 } from "./cast.ts";
import { schedule } from "./play.ts";

/** P0 emits a result and acknowledges 1; 1 is given up because of P1; 2 completes. */
schedule("[rule 7a] the results of a checkpoint that was given up are committed with the next", {
  job: echo({ checkpoint: { timeoutMs: 10_000 } }),
  async play(stage) {
    await stage.post(S0, x);
    await stage.settle();
    const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
    const first = await stage.trigger();
    const decision = await stage.decision(first);
    fromP1.lose();
    await stage.post(S0, x2);
    await stage.completion(first + 1);
    return { decision, values: await stage.values() };
  },
  kept: { decision: "given up", values: [x, x2] },
  without: {
    "an acknowledgement names its own interval only": {
      breakages: [mutantNamed("drops the results of a checkpoint that was given up")],
      broken: { decision: "given up", values: [x2] },
    },
  },
});

/** 1 completes with a result; nobody hears of it but through the barrier of 2. */
schedule("[rule 7b] a lost word of a completion has nothing committed twice", {
  job: echo(),
  async play(stage) {
    const word = stage.hold({ from: C, to: P0, call: "completeCheckpoint" });
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    word.lose();
    const second = stage.hold({ from: C, to: P0, call: "completeCheckpoint" });
    await stage.post(S0, x2);
    await stage.settle();
    await stage.checkpoint();
    second.lose();
    return stage.values();
  },
  kept: [x, x2],
  without: {
    "what is committed is dropped when somebody says so": {
      breakages: [mutantNamed("commits all results of a partition, whatever the base")],
      broken: [x, x, x2],
    },
  },
});

/** Results in the manifest of a checkpoint that is not retained any more. */
schedule("[rule 17a] committed results outlive the checkpoint that committed them", {
  job: echo({ checkpoint: { retained: 1 } }),
  async play(stage) {
    for (const word of [x, x2, y]) {
      await stage.post(S0, word);
      await stage.settle();
      await stage.checkpoint();
      await stage.settle();
    }
    return { retained: stage.retained.length, values: await stage.values() };
  },
  kept: { retained: 1, values: [x, x2, y] },
  without: {
    "results go with their manifest": {
      breakages: [
        {
          kind: "coordinator",
          context: (context) =>
            withSql(context, (query, [checkpoint]) => {
              if (!query.startsWith("DELETE FROM retained WHERE id")) return undefined;
              const rows = "DELETE FROM output WHERE number / 1000 = ?";
              context.sql.exec(rows, checkpoint!);
              return undefined;
            }),
        },
      ],
      broken: { retained: 1, values: [y] },
    },
  },
});

/** The pointer is at 1, C dies before it tells the sink; no line comes any more. */
schedule(
  "[rule 7c] [rule 19a] a sink is told of a completion although the coordinator dies before",
  {
    job: echo(),
    hasSink: true,
    async play(stage) {
      stage.crashAt(C, "coordinator: before commit to sink");
      await stage.post(S0, x);
      await stage.settle();
      await stage.checkpoint();
      await stage.pass(40_000);
      return { crashed: !stage.script.hasCrashAhead, sunk: stage.sink.values };
    },
    kept: { crashed: true, sunk: [x] },
    without: {
      "what is to be committed is kept in memory": {
        breakages: [mutantNamed("forgets what sinks have to commit")],
        broken: { crashed: true, sunk: [] },
      },
    },
  },
);

/** The sink is down while 1 and 2 complete. */
schedule("[rule 19c] a sink is told of checkpoints in the order they completed", {
  job: echo(),
  hasSink: true,
  async play(stage) {
    stage.sink.isDown = true;
    for (const word of [x, y2]) {
      await stage.post(S0, word);
      await stage.settle();
      await stage.checkpoint();
    }
    stage.sink.isDown = false;
    await stage.pass(40_000);
    return stage.sink.values;
  },
  kept: [x, y2],
  without: {
    "the newest goes first": {
      breakages: [
        {
          kind: "coordinator",
          context: (context) =>
            withSql(context, (query, bindings) =>
              query.startsWith("SELECT checkpoint, layout, state FROM sink_commit")
                ? context.sql.exec(query.replace("ORDER BY checkpoint", "$& DESC"), ...bindings)
                : undefined,
            ),
        },
      ],
      broken: [y2, x],
    },
  },
});

/** The sink is down for six checkpoints' worth of lines. */
schedule("[rule 36] a sink that cannot commit holds checkpoints up before they pile up", {
  job: echo({ output: { uncommittedLimit: 2 } }),
  hasSink: true,
  async play(stage) {
    stage.sink.isDown = true;
    for (let round = 0; round < 6; round++) {
      await stage.post(S0, `${x}${round}`);
      await stage.settle();
      await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 0 }));
      await stage.pass(1_000);
    }
    return { completed: stage.record.completed };
  },
  kept: { completed: 3 },
  without: {
    "checkpoints do not look at sinks": {
      breakages: [
        {
          kind: "coordinator",
          context: (context) =>
            withSql(context, (query) =>
              query.startsWith("SELECT COUNT(DISTINCT checkpoint) AS count FROM sink_commit")
                ? [{ count: 0 }]
                : undefined,
            ),
        },
      ],
      broken: { completed: 6 },
    },
  },
});
