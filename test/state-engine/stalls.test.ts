/** Writers wait before an engine passes its share of the memory, never after it has. */
import { expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const MEBIBYTE = 1024 * 1024;
const BATCH_ENTRIES = 100;
const LARGEST_VALUE_BYTES = 1_000;
/** What an entry takes in a memtable beside its key and value, about. */
const ENTRY_BYTES = 64;

test("usedBytes stays within the share at every put of 24 MiB into an engine that has 3 MiB", async () => {
  const environment = testEnvironment(3 * MEBIBYTE);
  const shareBytes = Math.floor((environment.memory.share() * 7) / 8);
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, tuning: {} });
  const random = new SeededRandom(1);
  let written = 0;
  let mostUsed = 0;
  for (let batch = 0; written < 24 * MEBIBYTE; batch++) {
    const admitted = BATCH_ENTRIES * (8 + LARGEST_VALUE_BYTES + ENTRY_BYTES);
    await engine.admit(admitted);
    for (let entry = 0; entry < BATCH_ENTRIES; entry++) {
      const number = random.integer(60_000);
      const key = stateKey(
        number % 8,
        PLAIN_STATE,
        Uint8Array.of(number >> 16, number >> 8, number),
      );
      const value = new Uint8Array(100 + random.integer(LARGEST_VALUE_BYTES - 99)).fill(batch);
      engine.put(key, 0, key.length, value, 0, value.length);
      written += value.length;
      mostUsed = Math.max(mostUsed, engine.usedBytes);
    }
    // Less often than it takes: what is missing, writes must wait for.
    if (batch % 8 === 0) await engine.maintain();
    mostUsed = Math.max(mostUsed, engine.usedBytes);
    if (batch % 40 === 39) {
      const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
      engine.confirm(await engine.persist(engine.freeze(), options));
    }
  }
  expect(engine.statistics().operations.stalls).toBeGreaterThan(10);
  expect(mostUsed).toBeGreaterThan(shareBytes / 2);
  expect(mostUsed).toBeLessThanOrEqual(shareBytes);
});
