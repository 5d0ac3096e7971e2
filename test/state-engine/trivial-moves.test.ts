/** A run that is much larger than the younger ones of its level goes down without being read or written. */
import { expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const persistOptions = { mode: "incremental", inlineLimitBytes: 0 } as const;

test("a moved run costs no PUT and no read, and what is read afterwards is what was read before", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, tuning: { compression: "none" } });
  const put = (index: number, round: number): void => {
    const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index >> 8, index));
    engine.put(key, 0, key.length, new Uint8Array(100).fill(round), 0, 100);
  };
  const contents = async (): Promise<unknown> => (await engine.scan({ limit: 10_000 })).entries;
  // The bottom, a run of a tenth of it, and three small ones.
  for (const [round, entries] of [4_000, 400, 4, 4, 4].entries()) {
    for (let index = 0; index < entries; index++) put(index * 7, round);
    engine.confirm(await engine.persist(engine.freeze(), persistOptions));
  }
  const before = engine.statistics();
  expect(before.levels).toMatchObject([
    { level: 0, runs: 4 },
    { level: 6, runs: 1 },
  ]);
  while (await engine.maintain());
  const after = engine.statistics();
  expect(after.levels).toMatchObject([
    { level: 0, runs: 3 },
    { level: 1, runs: 1 },
    { level: 6, runs: 1 },
  ]);
  expect(after.operations).toEqual(before.operations);
  const objects = await blobStore.list("");
  const persisted = await engine.persist(engine.freeze(), persistOptions);
  expect(persisted.uploads).toEqual([]);
  expect(await blobStore.list("")).toEqual(objects);
  const reopened = openEngine({ environment, blobStore, from: persisted });
  expect((await reopened.scan({ limit: 10_000 })).entries).toEqual(await contents());
});
