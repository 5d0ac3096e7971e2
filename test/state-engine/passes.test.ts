/** A pass over a run comes to its end in whatever little memory, and reads each table once. */
import { expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import { BlockCache } from "../../state-engine/read/block-cache.ts";
import { BlockLoader } from "../../state-engine/read/block-loader.ts";
import { BLOCKED, END } from "../../state-engine/read/entry-cursor.ts";
import { RunCursor } from "../../state-engine/read/run-cursor.ts";
import { keyGroupStart } from "../../state-engine/state/state-key.ts";
import { openVersion } from "../../state-engine/version/open-version.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const KEY_GROUPS = { first: 0, last: 7 };
const ENTRIES = 200;

test("a pass goes on although the cache lets go of the tail before each of its requests", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const writer = openEngine({
    environment,
    blobStore,
    tuning: { ...TINY, memtableEntries: 1_000 },
  });
  for (let index = 0; index < ENTRIES; index++) {
    const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index));
    writer.put(key, 0, key.length, key, 0, key.length);
  }
  const persist = { mode: "incremental", inlineLimitBytes: 0 } as const;
  const { tables } = await writer.persist(writer.freeze(), persist);
  const [run] = openVersion(tables, KEY_GROUPS).runs;
  const noRoom = (): number => 0;
  const loader = new BlockLoader(environment, blobStore, new BlockCache(), noRoom);
  const bounds = { lower: keyGroupStart(0), upper: keyGroupStart(8), reverse: false };
  const cursor = new RunCursor(run!, bounds, 0, loader, true);
  let entries = 0;
  let waits = 0;
  while (cursor.state !== END) {
    if (cursor.state !== BLOCKED) {
      entries++;
      cursor.advance();
      continue;
    }
    // One request for the tail and one for the blocks of each table.
    expect(++waits).toBeLessThanOrEqual(tables.length * 2);
    await loader.loadPasses([cursor.need!], 1);
    cursor.resume();
  }
  expect(entries).toBe(ENTRIES);
  cursor.close();
});
