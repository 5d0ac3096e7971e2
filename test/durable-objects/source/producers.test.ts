import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decideAppend } from "../../../durable-objects/source/producers.ts";
import type { ProducerRow } from "../../../durable-objects/source/producers.ts";
import { producerExpiryMs } from "../../../durable-objects/source/producers.ts";
import { ScriptedJob, segment } from "./scripted-job.ts";

const producer = { id: "p", sequence: 0 };

function open(linesIn: number): ProducerRow {
  return { closedSequence: -1, openSequence: 0, linesIn };
}

test("[11a] a request cut off between segments is completed by its retry, not doubled", () => {
  const retry = { producer, fromLine: 0, lines: 5, last: true };
  expect(decideAppend(open(3), retry)).toEqual({
    kind: "append",
    skip: 3,
    row: { closedSequence: 0, openSequence: -1, linesIn: 0 },
  });
});

test("[11b] two attempts that race with different cuts add each line once", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(cuts, cuts, fc.array(fc.boolean()), (leftCuts, rightCuts, turns) => {
      const lines = 12;
      const attempts = [leftCuts, rightCuts].map((cut) => ({
        cut,
        sent: 0,
        isDone: false,
        index: 0,
      }));
      let row: ProducerRow | undefined;
      let added = 0;
      const order = [...turns, ...Array.from({ length: 40 }, (_, index) => index % 2 === 0)];
      for (const isLeft of order) {
        const attempt = attempts[isLeft ? 0 : 1]!;
        if (attempt.isDone) continue;
        const size = Math.min(
          attempt.cut[attempt.index++ % attempt.cut.length]!,
          lines - attempt.sent,
        );
        const last = attempt.sent + size === lines;
        const request = { producer, fromLine: attempt.sent, lines: size, last };
        const decision = decideAppend(row, request);
        if (decision.kind === "append") {
          row = decision.row;
          added += size - decision.skip;
        }
        attempt.sent += size;
        attempt.isDone = last;
      }
      expect(added).toBe(lines);
      expect(row).toEqual({ closedSequence: 0, openSequence: -1, linesIn: 0 });
    }),
  );
});

test("[11c] a body cut in the middle leaves its sequence open: the lines in are known to the retry", () => {
  const first = decideAppend(undefined, { producer, fromLine: 0, lines: 4, last: false });
  expect(first).toEqual({ kind: "append", skip: 0, row: open(4) });
  expect(decideAppend(open(4), { producer, fromLine: 6, lines: 1, last: true })).toEqual({
    kind: "answer",
    answer: { kind: "lineGap", linesIn: 4 },
  });
});

test("[11d] a corrected body adds only the rest, and an empty last segment closes the sequence", () => {
  expect(decideAppend(open(7), { producer, fromLine: 7, lines: 0, last: true })).toEqual({
    kind: "append",
    skip: 0,
    row: { closedSequence: 0, openSequence: -1, linesIn: 0 },
  });
  const closed: ProducerRow = { closedSequence: 0, openSequence: -1, linesIn: 0 };
  expect(decideAppend(closed, { producer, fromLine: 0, lines: 9, last: true })).toEqual({
    kind: "answer",
    answer: { kind: "duplicate" },
  });
});

test("[12] a sequence above 0 of an unknown producer, or one that skips ahead, is a gap", () => {
  const request = { producer: { id: "p", sequence: 2 }, fromLine: 0, lines: 1, last: true };
  expect(decideAppend(undefined, request)).toEqual({
    kind: "answer",
    answer: { kind: "sequenceGap", expectedSequence: 0 },
  });
  expect(decideAppend({ closedSequence: 0, openSequence: -1, linesIn: 0 }, request)).toEqual({
    kind: "answer",
    answer: { kind: "sequenceGap", expectedSequence: 1 },
  });
});

test("[12b] a producer is known across a loss of memory and forgotten after seven days of silence", async () => {
  const job = new ScriptedJob();
  const request = { ...segment(["a", "b"]), producer };
  expect(await job.source.append(request)).toEqual({ kind: "appended", added: 2 });
  job.restartSource();
  expect(await job.source.append(request)).toEqual({ kind: "duplicate" });
  await job.clock.advance(1_000);
  job.context.alarm.clear();
  job.context.onAlarm = async () => undefined;
  await job.clock.advance(producerExpiryMs);
  const next = { ...segment(["c"]), producer: { id: "p", sequence: 1 } };
  expect(await job.source.append(next)).toEqual({ kind: "sequenceGap", expectedSequence: 0 });
});

test("lines that are in already are taken off a segment by their line ends", async () => {
  const job = new ScriptedJob();
  await job.source.append({ ...segment(["a", "b b"], 0, false), producer });
  expect(await job.source.append({ ...segment(["b b", "c", "d"], 1), producer })).toEqual({
    kind: "appended",
    added: 2,
  });
  job.lines.push("a", "b b", "c", "d");
  await job.clock.advance(1_000);
  expect(job.receivers.map(({ counts }) => counts)).toEqual(
    [0, 1].map((i) => job.expectedCounts(i)),
  );
});
