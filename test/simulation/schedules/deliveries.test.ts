/** Rules 17 and 19: results are read page by page, and delivered elsewhere, once. */
import { job } from "../../../dataflow/job.ts";
import { r2Files } from "../../../dataflow/sinks/r2-files.ts";
import type { SinkDefinition } from "../../../dataflow/sinks/sink-definition.ts";
import { weirJob } from "../../../dataflow/sinks/weir-job.ts";
import type { OutputRequest } from "../../../durable-objects/coordinator-queries.ts";
import type { SinkCommit } from "../../../durable-objects/coordinator/commits.ts";
import type { Acknowledgement } from "../../../durable-objects/messages.ts";
import { R2FilesSink } from "../../../durable-objects/sinks/r2-files-sink.ts";
import { WeirJobSink, type SinkProducer } from "../../../durable-objects/sinks/weir-job-sink.ts";
import { decodeOutputCursor } from "../../../workers/output/output-cursor.ts";
import { readOutputPage } from "../../../workers/output/output-page.ts";
import type { ScriptedWorld } from "../../durable-objects/sinks/scripted-world.ts";
import { asked, replacing } from "../mutants/breakages.ts";
import type { Breakage } from "../mutants/mutant.ts";
import { C, echo, options, P1, S0, VERTEX, wordsFor, x, x2 } from "./cast.ts";
import { storeAsItIs } from "./checkpoint-state.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** Five results of one checkpoint, read two at a time as the Worker reads them. */
schedule("[rule 17b] a page of output that ends inside a checkpoint goes on there", {
  job: echo(),
  async play(stage) {
    const words = wordsFor(0, 5);
    await stage.post(S0, ...words);
    await stage.settle();
    await stage.checkpoint();
    const pages = await stage.ask(() => pagesOf(stage, 2));
    return pages.map((page) => page.map((value) => words.indexOf(value)));
  },
  kept: [[0, 1], [2, 3], [4]],
  without: {
    "a page says after which checkpoint the next one begins": {
      breakages: [
        asked("coordinator", "readOutput", ({ from }: OutputRequest) =>
          from === undefined ? {} : { after: Math.floor(from.row / 1_000) },
        ),
      ],
      broken: [[0, 1], []],
    },
  },
});

async function pagesOf(stage: Stage, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | undefined; ;) {
    const from = cursor === undefined ? {} : { from: decodeOutputCursor(cursor) };
    const bucket = storeAsItIs(stage.world);
    const page = await readOutputPage(stage.coordinator, bucket, { limit, ...from });
    const lines = page.body.split("\n").filter((line) => line !== "");
    pages.push(lines.map((line) => (JSON.parse(line) as { value: string }).value));
    if (page.next === undefined) return pages;
    cursor = page.next;
  }
}

/** Every line goes to this sink. */
function delivering(sink: SinkDefinition) {
  return job("schedule", options({ checkpoint: { timeoutMs: 10_000 } }))
    .lines()
    .keyBy((line) => line)
    .process(VERTEX, { process: (line) => [line] })
    .sinkTo(sink);
}

/** A checkpoint that P0 acknowledged and that is given up because of P1. */
async function giveUp(stage: Stage): Promise<void> {
  const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
  await stage.decision(await stage.trigger());
  fromP1.lose();
}

/** 1 is given up with a result in it; 2 completes, and the coordinator dies between the file and its note of it. */
schedule("[rule 19b] a file appears with its checkpoint, and once however often it is committed", {
  job: delivering(r2Files({ name: "files", path: "f/", bucket: "FILES" })),
  async play(stage) {
    ({ elsewhere } = stage);
    await stage.post(S0, x);
    await stage.settle();
    await giveUp(stage);
    const uncommitted = stage.elsewhere.objects.size;
    stage.crashAt(C, "coordinator: after commit to sink");
    await stage.checkpoint();
    await stage.pass(40_000);
    return { crashed: !stage.script.hasCrashAhead, uncommitted, lines: linesOf(stage.elsewhere) };
  },
  kept: { crashed: true, uncommitted: 0, lines: [x] },
  without: {
    "results are written to their file when they are acknowledged": {
      breakages: [writingEarly()],
      broken: { crashed: true, uncommitted: 1, lines: [x, x, x] },
    },
    "each attempt writes files of its own": {
      breakages: [namingByAttempt()],
      broken: { crashed: true, uncommitted: 0, lines: [x, x] },
    },
  },
});

let elsewhere: ScriptedWorld;

function linesOf({ objects }: ScriptedWorld): readonly string[] {
  const files = [...objects].filter(([key]) => key.endsWith(".ndjson"));
  const texts = files.map(([, { bytes }]) => new TextDecoder().decode(bytes));
  return texts.flatMap((text) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as string),
  );
}

function writingEarly(): Breakage {
  return {
    kind: "coordinator",
    methods: (logic) => ({
      async acknowledge(argument) {
        const { checkpoint, output } = argument as Acknowledgement;
        for (const { data } of output) {
          if (!("inline" in data)) continue;
          const { value } = JSON.parse(new TextDecoder().decode(data.inline)) as { value: string };
          await elsewhere.bucket("FILES").putIfAbsent(`f/${checkpoint}.ndjson`, {
            bytes: new TextEncoder().encode(`${JSON.stringify(value)}\n`),
            contentType: "application/x-ndjson",
            fingerprint: value,
          });
        }
        return logic["acknowledge"]!(argument);
      },
    }),
  };
}

function namingByAttempt(): Breakage {
  let attempts = 0;
  return replacing(R2FilesSink.prototype, "commit", (original, _self, [commit]) => {
    const incarnation = `attempt-${++attempts}`;
    return original({ ...(commit as unknown as SinkCommit), incarnation } as never);
  });
}

/** 1 is delivered; 2 is given up; 3 is delivered. */
schedule("[rule 19d] a sink into another job counts its requests, not the checkpoints", {
  job: delivering(weirJob({ name: "lines", job: "other" })),
  async play(stage) {
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    await stage.settle();
    await stage.post(S0, x2);
    await stage.settle();
    await giveUp(stage);
    await stage.checkpoint();
    await stage.pass(40_000);
    return stage.elsewhere.lines.map((line) => JSON.parse(line) as string);
  },
  kept: [x, x2],
  without: {
    "the checkpoint's number is the Producer-Sequence": {
      breakages: [
        replacing(WeirJobSink.prototype, "commit", (original, _self, [given]) => {
          const commit = given as unknown as SinkCommit;
          if (commit.state === undefined) return original(given!);
          const { producer } = commit.state as { producer: SinkProducer };
          const numbered = { ...producer, sequence: commit.checkpoint - 1 };
          return original({ ...commit, state: { ...commit.state, producer: numbered } } as never);
        }),
      ],
      broken: [x],
    },
  },
});
