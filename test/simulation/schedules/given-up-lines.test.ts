/** Rule 42: a line that was given up stays given up on every replay. */
import { job } from "../../../dataflow/job.ts";
import type { AttachSourceAnswer } from "../../../durable-objects/messages.ts";
import { answering } from "../mutants/breakages.ts";
import { options, S0, VERTEX, x, y } from "./cast.ts";
import { schedule } from "./play.ts";

const cancel = { cancel: true, checkpoints: "retain", drain: false, savepoint: false } as const;

/** What is so outside: whether the function of the job throws at y. */
const outside = { throws: true };

function refusing() {
  return job("schedule", options({ checkpoint: { retained: 3 }, deadLetter: { attempts: 1 } }))
    .lines()
    .keyBy((line) => line)
    .process(VERTEX, {
      process(line: string) {
        if (line === y && outside.throws) throw new RangeError("It cannot be processed.");
        return [line];
      },
    })
    .output();
}

/** y is given up behind checkpoint 1; the job starts from there when nothing throws any more. */
schedule("[rule 42] a line that was given up is in the dead letters alone, whatever is replayed", {
  job: refusing,
  async play(stage) {
    outside.throws = true;
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, y);
    await stage.pass(5_000);
    await stage.checkpoint();
    outside.throws = false;
    await stage.ask(() => stage.coordinator.stop(cancel));
    await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
    await stage.pass(3_000);
    await stage.checkpoint();
    const committed = await stage.output();
    return {
      hasLetter: committed.some(({ output }) => output === "failed"),
      isResult: committed.some(({ output, value }) => output !== "failed" && value === y),
    };
  },
  kept: { hasLetter: true, isResult: false },
  without: {
    "sources do not hear of it when the job starts again": {
      breakages: [
        answering("coordinator", "attachSource", (answer: AttachSourceAnswer) =>
          outside.throws || answer.kind === "wait" ? answer : { ...answer, givenUp: [] },
        ),
      ],
      broken: { hasLetter: true, isResult: true },
    },
  },
});
