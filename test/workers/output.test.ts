/** Output as the Worker serves it: cursors, what is gone, and commits as server-sent events. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CommittedOutput, OutputCommit } from "../../durable-objects/coordinator-queries.ts";
import type { ResultsAnswer, ResultsRequest } from "../../durable-objects/messages.ts";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { liveOutput } from "../../workers/output/live-output.ts";
import { decodeOutputCursor, encodeOutputCursor } from "../../workers/output/output-cursor.ts";
import { readOutputPage } from "../../workers/output/output-page.ts";

const blobStore = new MemoryBlobStore({ now: () => 0 });

test("a cursor comes back as it was, and what is none is refused", () => {
  const number = fc.nat();
  fc.assert(
    fc.property(number, number, number, (row, segment, offset) => {
      const place = { row, segment, offset };
      expect(decodeOutputCursor(encodeOutputCursor(place))).toEqual(place);
    }),
  );
  for (const cursor of ["", "1-2", "1-2-x", "-1-2-3", "1-2-3-4"]) {
    expect(() => decodeOutputCursor(cursor)).toThrow("is not a cursor of output");
  }
});

/** A coordinator whose output lies in one object; asked a second time it has forgotten it. */
function forgetful(again: CommittedOutput) {
  const segment = {
    kind: "results",
    row: 1_100,
    segment: 0,
    checkpoint: 1,
    size: 20,
    data: { path: "gone" },
  } as const;
  const answers: CommittedOutput[] = [
    { kind: "segments", segments: [segment], isEnd: true },
    again,
  ];
  return { readOutput: async () => answers.shift()! };
}

test("[rule 21] an object that is gone is 410 when its retention ended meanwhile, and an error when not", async () => {
  const pruned = forgetful({ kind: "gone", before: 1 });
  await expect(readOutputPage(pruned, blobStore, { after: 0, limit: 10 })).rejects.toMatchObject({
    problem: { status: 410, members: { before: 1 } },
  });
  const lost = forgetful({ kind: "segments", segments: [], isEnd: true });
  await expect(readOutputPage(lost, blobStore, { after: 0, limit: 10 })).rejects.toThrow(
    "Output is gone: path=gone",
  );
});

test("commits arrive as events with their checkpoint as id, silence as comments", async () => {
  const asked: number[] = [];
  const rounds: OutputCommit[][] = [
    [
      { checkpoint: 4, records: 2, committedAt: 9 },
      { checkpoint: 6, records: 0, committedAt: 10 },
    ],
    [],
    [{ checkpoint: 7, records: 1, committedAt: 11 }],
  ];
  const coordinator = {
    awaitCommits: async ({ after }: { after: number; waitMs: number }) => {
      asked.push(after);
      return rounds.shift() ?? [];
    },
  };
  const reader = liveOutput(coordinator, [], 3).getReader();
  let text = "";
  for (let part = 0; part < 4; part++) {
    const { value } = await reader.read();
    text += new TextDecoder().decode(value);
  }
  expect(text).toBe(
    ": connected\n\n" +
      'event: committed\nid: 4\ndata: {"checkpoint":4,"records":2,"committedAt":9}\n\n' +
      'event: committed\nid: 6\ndata: {"checkpoint":6,"records":0,"committedAt":10}\n\n' +
      ": waiting\n\n" +
      'event: committed\nid: 7\ndata: {"checkpoint":7,"records":1,"committedAt":11}\n\n',
  );
  expect(asked.slice(0, 3)).toEqual([3, 6, 6]);
});

test("results arrive as events as they are computed, from every partition, one that fails asked again", async () => {
  const never = new Promise<never>(() => {});
  const rounds: (ResultsAnswer | Error)[] = [
    new Error("The partition lost its memory."),
    { results: ['{"output":"a","value":1}', '{"output":"a","value":2}'], skipped: 0, next: "m-2" },
    { results: ['{"output":"a","value":9}'], skipped: 6, next: "m-9" },
  ];
  const asked: (string | undefined)[] = [];
  const partition = {
    awaitResults: async ({ after }: ResultsRequest) => {
      asked.push(after);
      const round = rounds.shift();
      if (round === undefined) return never;
      if (round instanceof Error) throw round;
      return round;
    },
  };
  const silent = { awaitResults: () => never };
  const coordinator = { awaitCommits: () => never };
  const reader = liveOutput(coordinator, [silent, partition], 0).getReader();
  let text = "";
  for (let part = 0; part < 3; part++) {
    text += new TextDecoder().decode((await reader.read()).value);
  }
  expect(text).toBe(
    ": connected\n\n" +
      'event: result\ndata: {"output":"a","value":1}\n\n' +
      'event: result\ndata: {"output":"a","value":2}\n\n' +
      "event: skipped\ndata: 6\n\n" +
      'event: result\ndata: {"output":"a","value":9}\n\n',
  );
  expect(asked).toEqual([undefined, undefined, "m-2", "m-9"]);
});
