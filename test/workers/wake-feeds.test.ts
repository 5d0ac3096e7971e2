/** Who is woken when a cron trigger of the Worker fires. */
import { expect, test } from "vitest";
import type { Feed } from "../../dataflow/feeds/feed.ts";
import { generator } from "../../dataflow/feeds/generator.ts";
import { queueMessages } from "../../dataflow/feeds/queue-messages.ts";
import { job } from "../../dataflow/job.ts";
import { wakeFeeds } from "../../workers/feeds/wake-feeds.ts";

function jobFedBy(name: string, asked: string[], ...feeds: readonly Feed[]) {
  const builder = job(name);
  const { graph } = (feeds.length > 0 ? builder.from(...feeds) : builder)
    .lines()
    .keyBy((line) => line)
    .count("counts");
  const status = async () => {
    asked.push(name);
    if (name === "unreachable") throw new Error("It is being moved.");
    return { status: "FINISHED" } as const;
  };
  return { graph, coordinator: () => ({ status }) };
}

test("[FD12] jobs that read by themselves are asked for their status, and no others", async () => {
  const asked: string[] = [];
  await wakeFeeds([
    jobFedBy("posted", asked),
    jobFedBy("made", asked, generator({ create: String })),
    jobFedBy("messages", asked, queueMessages({ queue: "orders" })),
    jobFedBy("made-too", asked, generator({ create: String })),
  ]);
  expect(asked).toEqual(["made", "made-too"]);
});

test("[FD12] a job that does not answer is named, and keeps no other asleep", async () => {
  const asked: string[] = [];
  const woken = wakeFeeds([
    jobFedBy("unreachable", asked, generator({ create: String })),
    jobFedBy("made", asked, generator({ create: String })),
  ]);
  await expect(woken).rejects.toThrow(/The feeds of "unreachable" could not be woken/);
  expect(asked).toEqual(["unreachable", "made"]);
});
