/** What a compaction reads of objects when there is little memory: everything once. */
import { expect, test } from "vitest";
import { stateKey } from "../../state-engine/index.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const KIBIBYTE = 1024;
/** The first one is at the bottom. */
const RUNS = 48;
const FANOUT = RUNS - 1;

test("a compaction of many runs reads every block once, though there is next to no room for cached ones", async () => {
  const environment = testEnvironment(1_024 * KIBIBYTE);
  const tuning = { compression: "none", compactionFanout: FANOUT, blockBytes: 2_048 } as const;
  const engine = openEngine({ environment, tuning });
  const put = (index: number, length: number): void => {
    const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index >> 8, index));
    engine.put(key, 0, key.length, new Uint8Array(length).fill(index), 0, length);
  };
  for (let run = 0; run < RUNS; run++) {
    for (let index = 0; index < 64; index++) put(run + index * RUNS, KIBIBYTE);
    const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
    engine.confirm(await engine.persist(engine.freeze(), options));
  }
  // Fills most of the share, and is not frozen yet.
  for (let index = 0; index < 160; index++) put(5_000 + index, KIBIBYTE);
  const before = engine.statistics();
  expect(before.levels[0]).toMatchObject({ level: 0, runs: FANOUT });
  while (await engine.maintain());
  const { levels, operations } = engine.statistics();
  expect(levels).toMatchObject([{ level: 6, runs: 1 }]);
  const read = operations.bytesRead - before.operations.bytesRead;
  expect(read).toBeGreaterThan(before.tableBytes * 0.9);
  expect(read).toBeLessThan(before.tableBytes * 1.1);
});
