/** Tables are written out one after the other, and a compaction goes on meanwhile. */
import { expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import type { PutOptions } from "../../state-engine/blob-store/blob-store.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

class HeldBlobStore extends MemoryBlobStore {
  readonly begun = Promise.withResolvers<void>();
  readonly gate = Promise.withResolvers<void>();

  override async put(path: string, bytes: Uint8Array, options?: PutOptions) {
    this.begun.resolve();
    await this.gate.promise;
    return await super.put(path, bytes, options);
  }
}

test("what a compaction took in while another table was written out is not written any more, and what it took in during its own upload is handed over as not needed", async () => {
  const environment = testEnvironment();
  const blobStore = new HeldBlobStore(environment);
  const engine = openEngine({ environment, blobStore });
  for (let table = 0; table < 6; table++) {
    const key = stateKey(1, PLAIN_STATE, Uint8Array.of(table));
    engine.put(key, 0, key.length, key, 0, key.length);
    // Tables of different barriers stay apart.
    engine.discard(engine.freeze());
  }
  const admitted = engine.admit(environment.memory.limitBytes);
  await blobStore.begun.promise;
  while (await engine.maintain());
  blobStore.gate.resolve();
  await admitted;
  expect((await engine.scan({})).entries).toHaveLength(6);
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  const { tables, uploads } = await engine.persist(engine.freeze(), options);
  const stored = (await blobStore.list("")).map(({ path }) => path);
  expect(uploads.map(({ path }) => path).toSorted()).toEqual(stored);
  expect(stored.length).toBeGreaterThan(new Set(tables.map(({ path }) => path)).size);
});
