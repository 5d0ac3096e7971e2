/**
 * A chain of manifests resolves to what was acknowledged, however long it is.
 */
import { expect, test } from "vitest";
import {
  MemoryBlobStore,
  decodeManifest,
  encodeManifest,
  planManifest,
  resolveChain,
  stateKey,
} from "../../state-engine/index.ts";
import type { Manifest, PartitionTables, PreviousManifest } from "../../state-engine/index.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const environment = testEnvironment();
const keyGroups = { first: 0, last: 7 };

function request(
  id: number,
  partitions: readonly PartitionTables[],
  previous: PreviousManifest | undefined,
) {
  return {
    id,
    kind: "checkpoint" as const,
    job: "job",
    generation: 1,
    nonce: `nonce-${id}`,
    triggeredAt: id,
    maxParallelism: 8,
    sources: [{ source: 0, offset: id * 10, watermark: null }],
    partitions,
    previous,
  };
}

const partition = (index: number, tables: readonly TableReference[], sequence: number) => ({
  vertex: "counts",
  index,
  keyGroups,
  tables,
  sequence,
  time: 0,
  watermarks: {},
});

const byId = (tables: readonly TableReference[]): readonly TableReference[] =>
  [...tables].sort((left, right) => (left.id < right.id ? -1 : 1));

test("every checkpoint of a busy job resolves to its tables, and a delta adds only new ones", async () => {
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, keyGroups });
  let previous: PreviousManifest | undefined;
  const manifests: Manifest[] = [];
  for (let id = 1; id <= 60; id++) {
    for (let write = 0; write < 6; write++) {
      const key = stateKey(write, PLAIN_STATE, Uint8Array.of(id % 7, write));
      engine.put(key, 0, key.length, key, 0, key.length);
    }
    while (await engine.maintain());
    const persisted = await engine.persist(engine.freeze(), {
      mode: "incremental",
      inlineLimitBytes: 100,
    });
    engine.confirm(persisted);
    const partitions = [partition(0, persisted.tables, persisted.sequence), partition(1, [], 0)];
    const planned = planManifest(request(id, partitions, previous));
    const path = `chk-${id}/manifest.json`;
    const bytes = encodeManifest(planned.manifest, environment);
    expect(decodeManifest(bytes, environment, path)).toEqual(planned.manifest);
    await blobStore.put(path, bytes);
    const resolved = await resolveChain(blobStore, path, environment);
    expect(byId(resolved.partitions[0]!.tables)).toEqual(byId(persisted.tables));
    expect(resolved.partitions[0]!.sequence).toBe(persisted.sequence);
    const { manifest, fullTables, deltaTables } = planned;
    manifests.push(manifest);
    previous = { id, path, chain: manifest.chain, fullTables, deltaTables, partitions };
  }
  const deltas = manifests.filter(({ parent }) => parent !== null);
  expect(deltas.length).toBeGreaterThan(0);
  expect(deltas.length).toBeLessThan(manifests.length);
  expect(manifests.every(({ chain }) => chain.length < 32)).toBe(true);
});

test("the first manifest after the partitions changed is full", () => {
  const before = [partition(0, [], 1)];
  const path = "chk-1/manifest.json";
  const previous = { id: 1, path, chain: [], fullTables: 9, deltaTables: 0, partitions: before };
  const same = planManifest(request(2, before, previous));
  const split = [partition(0, [], 1), partition(1, [], 1)];
  const changed = planManifest(request(2, split, previous));
  expect([same.manifest.parent, changed.manifest.parent]).toEqual([1, null]);
});

test("entries that expired are gone for every read, and a compaction drops them", async () => {
  const engine = openEngine({ keyGroups });
  for (let index = 0; index < 40; index++) {
    const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index));
    engine.put(key, 0, key.length, key, 0, key.length, index < 20 ? 1_000 : Infinity);
  }
  engine.advanceTime(999);
  expect((await engine.scan({})).entries).toHaveLength(40);
  engine.advanceTime(1_000);
  expect((await engine.scan({})).entries).toHaveLength(20);
  await expect(engine.get(stateKey(3, PLAIN_STATE, Uint8Array.of(3)))).resolves.toBeUndefined();
  while (await engine.maintain());
  expect((await engine.scan({})).entries).toHaveLength(20);
  expect(engine.statistics().tableEntries).toBeLessThan(40);
});
