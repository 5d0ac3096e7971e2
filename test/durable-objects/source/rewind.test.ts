import { describe, expect, test } from "vitest";
import { ScriptedJob } from "./scripted-job.ts";

describe("rewinding a channel", () => {
  test("[20] a rewound partition is told how far its channel was, and is brought back there exactly", async () => {
    const job = new ScriptedJob({ parallelism: 2 });
    await job.append(["a", "b"]);
    await job.clock.advance(1_000);
    const receiver = job.receivers[0]!;
    receiver.counts = {};
    receiver.position = { line: 0, record: 0 };
    receiver.attempt++;
    const task = { vertex: "counts", index: 0 };
    const answer = await job.source.rewind({ generation: 1, attempt: 2, task });
    expect(answer).toEqual({ kind: "rewound", furthest: { line: 2, record: 0 } });
    await job.clock.advance(1_000);
    expect(receiver.position).toEqual({ line: 2, record: 0 });
    expect(receiver.counts).toEqual(job.expectedCounts(0));
    expect(await job.source.rewind({ generation: 1, attempt: 1, task })).toMatchObject({
      kind: "staleGeneration",
    });
  });

  test("[20] a partition whose rewind comes after lines without records for it is brought to their end", async () => {
    const job = new ScriptedJob({ parallelism: 2 });
    await job.append(["a"]);
    await job.clock.advance(1_000);
    const silent = job.receivers.findIndex(({ position }) => position.line === 0);
    const task = { vertex: "counts", index: silent };
    const answer = await job.source.rewind({ generation: 1, attempt: 1, task });
    expect(answer).toEqual({ kind: "rewound", furthest: { line: 1, record: 0 } });
    await job.clock.advance(1_000);
    expect(job.receivers[silent]!.position).toEqual({ line: 1, record: 0 });
  });
});
