/** A job whose checkpoint cannot be read for a while after its tasks lost their memory. */
import { expect, it } from "vitest";
import { P0, P1, S0, VERTEX, wordCount, wordsFor, x } from "./schedules/cast.ts";
import { Stage } from "./schedules/stage.ts";

it("CheckpointStoreITCase: a restore that fails to read is done again, under a new generation too, and loses nothing", async () => {
  const stage = new Stage({ job: wordCount() });
  const words = wordsFor(0, 40, 1_000);
  await stage.world.watch(async () => {
    await stage.post(S0, words.join(" "));
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, `${words[0]!} ${x}`);
    await stage.settle();
    for (let round = 0; round < 2; round++) {
      stage.loseMemory(P0, P1);
      const scan = { state: VERTEX, prefix: "", limit: 100, order: "key" } as const;
      const get = { from: P0, to: "bucket", call: "GET" } as const;
      let reads = stage.hold(get);
      // More often than a read is repeated at once.
      for (let failures = 0; failures < 5; failures++) {
        while (reads.count === 0) {
          // Answered or not: it has the partition restore and read.
          void stage.outside
            .partition(P0.task)
            .scanState(scan)
            .catch(() => undefined);
          await stage.pass(1_000);
        }
        const next = stage.hold(get);
        reads.lose();
        reads = next;
      }
      await stage.failTask();
      reads.lose();
    }
    expect(stage.record.generation).toBe(3);
    const counts = Object.fromEntries(words.map((word) => [word, 1]));
    expect(await stage.live(VERTEX)).toEqual({ ...counts, [words[0]!]: 2, [x]: 1 });
  });
  stage.close();
});
