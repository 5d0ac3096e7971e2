/** Rules 11, 12 and 27: what is answered as appended is in once, and is pumped. */
import type { AppendRequest } from "../../../durable-objects/messages.ts";
import { ProducerTable } from "../../../durable-objects/source/producers.ts";
import { type Breakage, patched, withSql } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { asked } from "../mutants/breakages.ts";
import { C, S0, VERTEX, wordCount } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const PRODUCER = "p";
const BODY = ["a", "b", "c", "d", "e"];

/** One segment a line, as a Worker cuts the body of a request; answers the first answer that is not "appended". */
async function send(stage: Stage, sequence: number, from: number, upTo: number): Promise<string> {
  for (let line = from; line < upTo; line++) {
    const { kind } = await stage.ask(() =>
      stage.append(0, {
        producer: { id: PRODUCER, sequence },
        fromLine: line,
        lines: [BODY[line]!],
        last: line === BODY.length - 1,
      }),
    );
    if (kind !== "appended") return kind;
  }
  return "appended";
}

function inLog(stage: Stage): string {
  const rows = stage.rows<{ bytes: Uint8Array }>(
    S0,
    "SELECT bytes FROM segments ORDER BY first_line",
  );
  return rows.map(({ bytes }) => new TextDecoder().decode(bytes)).join(" ");
}

const RECORDED_WITH_THE_FIRST = asked("source", "append", (request: AppendRequest) => ({
  ...request,
  last: true,
}));

/** The producer's row is written when the sequence closes, not before. */
const RECORDED_WITH_THE_LAST: Breakage = {
  kind: "source",
  context: (context) =>
    withSql(context, (query, [, , openSequence]) =>
      query.startsWith("INSERT OR REPLACE INTO producers") && openSequence !== -1 ? [] : undefined,
    ),
};

/** Two of five segments are in when the Worker dies; the client sends the request again. */
schedule("[rule 11a] a request that was cut off is completed by its retry, line by line", {
  job: wordCount(),
  async play(stage) {
    await send(stage, 0, 0, 2);
    stage.loseMemory(S0);
    const answer = await send(stage, 0, 0, BODY.length);
    return { answer, log: inLog(stage) };
  },
  kept: { answer: "appended", log: "a b c d e" },
  without: {
    "the sequence is recorded with the first segment": {
      breakages: [RECORDED_WITH_THE_FIRST],
      broken: { answer: "duplicate", log: "a" },
    },
    "the sequence is recorded with the last segment": {
      breakages: [RECORDED_WITH_THE_LAST, asked("source", "append", withoutGaps)],
      broken: { answer: "appended", log: "a b a b c d e" },
    },
  },
});

/** Whoever keeps no open sequence cannot know of a gap either. */
function withoutGaps(request: AppendRequest): AppendRequest {
  return { ...request, fromLine: 0 };
}

/** The Worker of attempt 1 is still at work when attempt 2 arrives. */
schedule("[rule 11b] two attempts of one request that race add each line once", {
  job: wordCount(),
  async play(stage) {
    await send(stage, 0, 0, 3);
    await send(stage, 0, 0, 4);
    await send(stage, 0, 3, BODY.length);
    const late = await send(stage, 0, 4, BODY.length);
    return { late, log: inLog(stage) };
  },
  kept: { late: "duplicate", log: "a b c d e" },
  without: {
    "the sequence is recorded with the last segment": {
      breakages: [RECORDED_WITH_THE_LAST, asked("source", "append", withoutGaps)],
      broken: { late: "duplicate", log: "a b c a b c d d e" },
    },
  },
});

/** The body breaks off after line 2; the client sends it again, corrected. */
schedule("[rule 11c] [rule 11d] a sequence stays open after a cut, and the next one waits for it", {
  job: wordCount(),
  async play(stage) {
    await send(stage, 0, 0, 2);
    const tooEarly = await send(stage, 1, 0, 1);
    const corrected = await send(stage, 0, 0, BODY.length);
    const next = await send(stage, 1, 0, 1);
    return { tooEarly, corrected, next, log: inLog(stage) };
  },
  kept: { tooEarly: "sequenceGap", corrected: "appended", next: "appended", log: "a b c d e a" },
  without: {
    "a sequence that was begun is used": {
      breakages: [RECORDED_WITH_THE_FIRST],
      broken: { tooEarly: "appended", corrected: "duplicate", next: "duplicate", log: "a a" },
    },
  },
});

const WEEK_MS = 7 * 24 * 3_600_000;

/** A producer whose row has expired is believed whatever sequence it names. */
const BELIEVES_FORGOTTEN_PRODUCERS: Breakage = {
  kind: "source",
  patch: () => {
    const known = new Set<string>();
    return patched(ProducerTable.prototype, "read", ({ value }) => ({
      value(this: ProducerTable, id: string, now: number) {
        const row = (value as ProducerTable["read"]).call(this, id, now);
        if (row !== undefined) known.add(id);
        if (row !== undefined || !known.has(id)) return row;
        return { closedSequence: 0, openSequence: -1, linesIn: 0 };
      },
    }));
  },
};

/** Sequence 1 was sent; its producer is silent for more than a week, and sends it again. */
schedule("[rule 12b] a sequence above 0 of a producer that was forgotten is refused", {
  job: wordCount(),
  async play(stage) {
    for (const sequence of [0, 1]) await send(stage, sequence, 0, BODY.length);
    await stage.settle();
    await stage.checkpoint();
    await stage.pass(WEEK_MS + 1);
    const retry = await send(stage, 1, 0, BODY.length);
    await stage.settle();
    return { retry, live: await stage.live(VERTEX) };
  },
  kept: { retry: "sequenceGap", live: { a: 2, b: 2, c: 2, d: 2, e: 2 } },
  without: {
    "whatever sequence an unknown producer names is its first": {
      breakages: [BELIEVES_FORGOTTEN_PRODUCERS],
      broken: { retry: "appended", live: { a: 3, b: 3, c: 3, d: 3, e: 3 } },
    },
  },
});

/** The append is durable and answered; the source loses its memory before it pumps. */
schedule("[rule 27] a durable line is pumped although nothing follows it", {
  job: wordCount(),
  async play(stage) {
    const asking = stage.hold({ from: S0, to: C, call: "attachSource" });
    await stage.post(S0, "a");
    stage.loseMemory(S0);
    asking.lose();
    await stage.pass(30_000);
    return { isSent: stage.script.count({ from: S0, call: "frame" }) > 0 };
  },
  kept: { isSent: true },
  without: {
    "no alarm is set with the append": {
      breakages: [mutantNamed("sets no alarm when lines come in")],
      broken: { isSent: false },
    },
  },
});
