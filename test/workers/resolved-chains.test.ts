/** Chains are read once while they are remembered, and what is remembered stays within its limit. */
import * as zlib from "node:zlib";
import { expect, test } from "vitest";
import { encodeManifest, MemoryBlobStore } from "../../state-engine/index.ts";
import type { Manifest } from "../../state-engine/index.ts";
import { ResolvedChains } from "../../workers/state/resolved-chains.ts";

const environment = { crc32: (bytes: Uint8Array) => zlib.crc32(bytes) };

/** Counts what is read. */
class CountingStore extends MemoryBlobStore {
  reads = 0;

  override get(path: string) {
    this.reads++;
    return super.get(path);
  }
}

async function storeOf(count: number): Promise<{ store: CountingStore; manifestBytes: number }> {
  const store = new CountingStore({ now: () => 0 });
  let manifestBytes = 0;
  for (let id = 1; id <= count; id++) {
    const manifest: Manifest = {
      formatVersion: 1,
      id,
      kind: "checkpoint",
      job: "job",
      parent: null,
      chain: [],
      generation: 1,
      nonce: "n",
      triggeredAt: 0,
      maxParallelism: 8,
      sources: [],
      partitions: [],
    };
    const bytes = encodeManifest(manifest, environment);
    manifestBytes = bytes.length;
    await store.put(`chk-${id}`, bytes);
  }
  return { store, manifestBytes };
}

test("a chain is read once while it is remembered", async () => {
  const { store } = await storeOf(1);
  const chains = new ResolvedChains(environment, 10_000);
  const first = await chains.get(store, "chk-1");
  expect(await chains.get(store, "chk-1")).toBe(first);
  expect(store.reads).toBe(1);
});

test("the least recently used chain is forgotten when the limit is reached", async () => {
  const { store, manifestBytes } = await storeOf(3);
  const chains = new ResolvedChains(environment, 2 * manifestBytes);
  for (const id of [1, 2, 1, 3]) await chains.get(store, `chk-${id}`);
  expect([store.reads, chains.bytes]).toEqual([3, 2 * manifestBytes]);
  await chains.get(store, "chk-1");
  expect(store.reads).toBe(3);
  await chains.get(store, "chk-2");
  expect(store.reads).toBe(4);
});

test("a chain larger than the limit is not remembered, and a missing manifest is an error", async () => {
  const { store, manifestBytes } = await storeOf(1);
  const chains = new ResolvedChains(environment, manifestBytes - 1);
  await chains.get(store, "chk-1");
  expect(chains.bytes).toBe(0);
  await expect(chains.get(store, "chk-9")).rejects.toThrow("is gone");
});
