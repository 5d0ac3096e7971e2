/** A crash at each step of a feed and of taking messages, at its first and again at its second passing. */
import { expect, onTestFinished, test } from "vitest";
import { queueMessages } from "../../../dataflow/feeds/queue-messages.ts";
import { r2Objects } from "../../../dataflow/feeds/r2-objects.ts";
import { job } from "../../../dataflow/job.ts";
import type { BuiltStream } from "../../../dataflow/job.ts";
import { ScriptedInputs } from "../../support/scripted-inputs.ts";
import { JobWorld, type JobWorldOptions } from "../jobs/job-world.ts";

const options = { parallelism: 1, maxParallelism: 4 };

function world(stream: BuiltStream, worldOptions: JobWorldOptions): JobWorld {
  const created = new JobWorld(stream, worldOptions);
  onTestFinished(() => created.close());
  return created;
}

function passings(it: JobWorld, point: string): number {
  return it.world.crashPoints.get(point) ?? 0;
}

test.each(["source: before feed step", "source: after feed step"])(
  "[FD1] a bounded job is exact after a crash %s, and one the next time",
  async (point) => {
    const inputs = new ScriptedInputs({ pageSize: 2 });
    for (let object = 0; object < 6; object++) inputs.put(`in/${object}`, "x\ny\nx\n");
    const feed = r2Objects({ prefix: "in/" });
    const stream = job("lines", options).from(feed).lines().output();
    const it = world(stream, { inputs, crashAt: { point, passings: [1, 2] } });
    await it.until("FINISHED");
    expect(passings(it, point)).toBeGreaterThan(2);
    const values = (await it.values()) as readonly string[];
    expect(values.toSorted().join("")).toBe("x".repeat(12) + "y".repeat(6));
  },
);

test.each(["source: before append of messages", "source: after append of messages"])(
  "[FD11] each message counts once after a crash %s, and one the next time",
  async (point) => {
    const stream = job("lines", options)
      .from(queueMessages({ queue: "orders" }))
      .lines()
      .keyBy((line) => line)
      .count("counts");
    const it = world(stream, { crashAt: { point, passings: [1, 2] } });
    const messages = [1, 2, 3].map((number) => ({
      id: `message-${number}`,
      sentAt: 1_000 * number,
      text: new TextEncoder().encode("order"),
    }));
    for (const taken of [messages.slice(0, 2), messages, messages]) {
      expect(await it.appendMessages({ queue: "orders", messages: taken })).toMatchObject({
        kind: "appended",
      });
    }
    expect(passings(it, point)).toBeGreaterThanOrEqual(2);
    await it.checkpoint();
    expect(await it.read("counts", "order")).toBe("3");
  },
);
