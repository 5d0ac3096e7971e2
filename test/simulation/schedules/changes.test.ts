/** Rules 22 and 26: a checkpoint comes although nobody calls, for changes that no line brings and for barriers that died. */
import { job } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { SourceRow } from "../../../durable-objects/coordinator/rows.ts";
import type {
  CoordinatorCalls,
  SourceCalls,
  TaskChange,
} from "../../../durable-objects/messages.ts";
import type { ObjectContext } from "../../../durable-objects/object-context.ts";
import { rowOf } from "../mutants/coordinator-mutants.ts";
import { type Breakage, spread } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import type { Logic } from "../simulated-object.ts";
import { C, options, P0, S0, VERTEX, wordCount, x, y } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const PATIENCE_MS = 30_000;

/** Every line is a result, half a minute after it came, or so long as is said. */
function reminders(patienceMs = PATIENCE_MS) {
  return job("schedule", options({ checkpoint: { intervalMs: 5_000 } }))
    .lines()
    .keyBy((line) => line)
    .process(VERTEX, {
      state: { line: valueState<string>("line") },
      process(line, { processingTime, state, timers }) {
        state.line.update(line);
        timers.registerProcessingTimeTimer(processingTime + patienceMs);
        return [];
      },
      onTimer: (_timer, { state }) => [state.line.get()!],
    })
    .output();
}

/** The timer fires while P0 is awake, long after the last checkpoint of its line. */
schedule("[rule 26b] what a timer did without input is committed by a checkpoint of its own", {
  job: reminders(),
  async play(stage) {
    await stage.post(S0, x);
    await stage.pass(PATIENCE_MS + 15_000);
    return stage.values();
  },
  kept: [x],
  without: {
    "only sources say that something changed": {
      breakages: [{ kind: "coordinator", methods: () => ({ taskChanged: async () => undefined }) }],
      broken: [],
    },
  },
});

/** The line is covered, P0 awake, and the call by which it attached is delivered once more: nobody has this attempt. */
schedule("[rule 26d] what a timer did counts although a repeated attach replaced its attempt", {
  job: reminders(8_000),
  async play(stage) {
    await stage.post(S0, x);
    await stage.checkpoint();
    const { codeVersion } = stage.record;
    await stage.ask(() => stage.coordinator.attachPartition({ task: P0.task, codeVersion }));
    await stage.pass(30_000);
    return stage.values();
  },
  kept: [x],
  without: {
    "only the present attempt says that something changed": {
      breakages: [{ kind: "coordinator", methods: changesOfThePresentAttempt }],
      broken: [],
    },
  },
});

function changesOfThePresentAttempt(logic: Logic, context: ObjectContext): Logic {
  return {
    async taskChanged(argument) {
      const { attempt, task } = argument as TaskChange;
      const present = rowOf(context, "task", task) as { attempt: number };
      if (attempt === present.attempt) await logic["taskChanged"]!(argument);
    },
  };
}

/** P0 falls asleep before its timer is due, and nobody has a reason to call it. */
schedule("[rule 26c] a partition that sleeps is woken by its earliest timer", {
  job: reminders(),
  async play(stage) {
    await stage.post(S0, x);
    await stage.pass(PATIENCE_MS - 10_000);
    const covered = stage.offsets(stage.record.completed);
    stage.loseMemory(P0);
    await stage.pass(25_000);
    return { covered, values: await stage.values() };
  },
  kept: { covered: [1], values: [x] },
  without: {
    "timers ring in memory only": {
      breakages: [withoutAlarms("partition")],
      broken: { covered: [1], values: [] },
    },
  },
});

/** The line is covered, its timer fires, and P0 dies before the coordinator has heard of it: the alarm has rung. */
schedule("[rule 26e] a partition that dies between its timer and its report is woken again", {
  job: reminders(8_000),
  async play(stage) {
    await stage.post(S0, x);
    await stage.checkpoint();
    const reports = stage.hold({ from: P0, to: C, call: "taskChanged" });
    await stage.until("P0 tells what its timer did", () => reports.count > 0);
    stage.loseMemory(P0);
    reports.lose();
    await stage.pass(60_000);
    return stage.values();
  },
  kept: [x],
  without: {
    "an alarm is over when its handler has begun": {
      breakages: [
        {
          kind: "partition",
          methods: (logic) => ({ alarm: async () => void logic["alarm"]!() }),
        },
      ],
      broken: [],
    },
  },
});

/** The timer throws, and P0's word of it gets lost. No line follows, and nobody has a reason to call P0. */
schedule("[rule 26f] a partition whose timer threw tells of it until it is heard", {
  job: job(
    "schedule",
    options({ checkpoint: { intervalMs: 5_000 }, restart: { strategy: "none" } }),
  )
    .lines()
    .keyBy((line) => line)
    .process(VERTEX, {
      state: {},
      process(_line, { processingTime, timers }) {
        timers.registerProcessingTimeTimer(processingTime + 8_000);
        return [];
      },
      onTimer() {
        throw new Error("It must not ring.");
      },
    })
    .output(),
  async play(stage) {
    await stage.post(S0, x);
    await stage.checkpoint();
    const reports = stage.hold({ from: P0, to: C, call: "fail" });
    await stage.until("P0 tells of its failure", () => reports.count > 0);
    reports.lose();
    await stage.pass(30_000);
    return { status: stage.record.status };
  },
  kept: { status: "FAILED" },
  without: {
    "the failure of a report is nobody's concern": {
      breakages: [withoutAnythingAfterFailing()],
      broken: { status: "RUNNING" },
    },
  },
});

/** A partition that has failed sets neither timer nor alarm. */
function withoutAnythingAfterFailing(): Breakage {
  return {
    kind: "partition",
    context(context) {
      let hasFailed = false;
      const coordinator = (): CoordinatorCalls =>
        new Proxy(context.peers.coordinator(), {
          get(target, method: keyof CoordinatorCalls) {
            hasFailed ||= method === "fail";
            return target[method];
          },
        });
      return {
        ...spread(context),
        peers: { ...context.peers, coordinator },
        alarm: {
          get: () => context.alarm.get(),
          set: (time) => (hasFailed ? undefined : context.alarm.set(time)),
          clear: () => context.alarm.clear(),
        },
        setTimer: (delayMs, callback) =>
          hasFailed ? { cancel: () => undefined } : context.setTimer(delayMs, callback),
      };
    },
  };
}

/** An object of this kind that loses its memory sleeps until somebody calls. */
function withoutAlarms(kind: Breakage["kind"]): Breakage {
  return {
    kind,
    context: (context) => ({
      ...spread(context),
      alarm: { ...spread(context).alarm, get: () => undefined, set: () => undefined },
    }),
  };
}

/** S0 writes its offset, answers the trigger, and dies before a barrier leaves. */
schedule("[rule 22d] a source that died between its answer and its barriers is asked again", {
  job: wordCount({ checkpoint: { timeoutMs: 60_000 } }),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const barriers = stage.hold({ from: S0, call: "barrier" });
    const checkpoint = await stage.trigger();
    await stage.until("the answer of S0 is written", () => triggeredAt(stage) === checkpoint);
    stage.loseMemory(S0);
    await stage.settle();
    barriers.lose();
    await stage.pass(20_000);
    return { isCompleted: stage.record.completed >= checkpoint };
  },
  kept: { isCompleted: true },
  without: {
    "an answer ends the matter, for the coordinator and for the source": {
      breakages: [asksOnce(), mutantNamed("sets no alarm when lines come in")],
      broken: { isCompleted: false },
    },
  },
});

/** The checkpoint for which S0 has told the coordinator its offset. */
function triggeredAt(stage: Stage): number | undefined {
  const [row] = stage.rows<{ data: string }>(C, "SELECT data FROM source");
  return row && (JSON.parse(row.data) as SourceRow).triggered?.checkpoint;
}

/** A trigger that a source has had is not repeated. */
function asksOnce(): Breakage {
  const had = new Set<string>();
  return {
    kind: "coordinator",
    context(context) {
      const { peers } = context;
      const source = (index: number): SourceCalls => {
        const calls = peers.source(index);
        const triggerCheckpoint: SourceCalls["triggerCheckpoint"] = (trigger) => {
          const name = `${index} ${trigger.checkpoint}`;
          if (had.has(name)) return Promise.reject(new Error("It was asked before."));
          had.add(name);
          return calls.triggerCheckpoint(trigger);
        };
        return new Proxy(calls, {
          get: (target, method: keyof SourceCalls) =>
            method === "triggerCheckpoint" ? triggerCheckpoint : target[method],
        });
      };
      return { ...spread(context), peers: { ...peers, source } };
    },
  };
}
