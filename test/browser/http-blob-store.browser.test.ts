/** A page opens a checkpoint of a running Weir server by itself, by ranges, through the route for blobs. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  HttpBlobStore,
  decodeInt64Number,
  int64Addition,
  openReadOnly,
  resolveChain,
  stateKey,
} from "../../state-engine/index.ts";
import type { ReadOnlyStateEngine, ResolvedManifest } from "../../state-engine/index.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { CachingBlobStore } from "../../state-engine/blob-store/caching-blob-store.ts";
import type { Fetch } from "../../state-engine/blob-store/http-blob-store.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { browserEnvironment } from "./browser-environment.ts";
import { createIndexedDbBlobStore } from "./create-indexeddb-blob-store.ts";
import { WEIR_SERVER_PATH, WEIR_SERVER_TOKEN, WEIR_SERVER_WORDS } from "./weir-server-facts.ts";

const COUNT_STATE = 1;
const jobUrl = `${WEIR_SERVER_PATH}/jobs/wordcount`;
const headers = { Authorization: `Bearer ${WEIR_SERVER_TOKEN}` };
const environment = browserEnvironment();
const mergeOperators = new Map([[COUNT_STATE, int64Addition]]);

let manifestPath = "";

beforeAll(async () => {
  const answer = await fetch(`${jobUrl}/checkpoints`, { headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The Weir server answered ${answer.status}: ${text}`);
  const { history } = JSON.parse(text) as { history: { external_path: string }[] };
  manifestPath = history[0]!.external_path;
});

describe("A checkpoint of a Weir server in a browser", () => {
  test("is read key by key with range requests, and with less than half of its bytes", async () => {
    const statuses: number[] = [];
    const { partitions, manifest } = await resolveChain(storeOf(), manifestPath, environment);
    const store = storeOf(async (url, request) => {
      const answer = await fetch(url, request);
      statuses.push(answer.status);
      return answer;
    });
    let bytes = 0;
    let read = 0;
    for (const partition of partitions) {
      const engine = openPartition(store, partition);
      const { first, last } = partition.keyGroups;
      for (const word of ["word0", "word777", "word39999", "absent"]) {
        const key = new TextEncoder().encode(word);
        const group = hash32(key) % manifest.maxParallelism;
        if (group < first || group > last) continue;
        const value = await engine.get(stateKey(group, COUNT_STATE, key));
        expect(value && decodeInt64Number(value)).toBe(word === "absent" ? undefined : 1);
        read++;
      }
      bytes += engine.reads.bytes;
      engine.close();
    }
    const stored = partitions.flatMap(({ tables }) => tables).filter(({ inline }) => !inline);
    expect(read).toBe(4);
    expect(bytes).toBeLessThan(stored.reduce((sum, { size }) => sum + size, 0) / 2);
    expect(statuses.length).toBeGreaterThan(1);
    expect(new Set(statuses)).toEqual(new Set([206]));
  });

  test("is scanned from begin to end, and a second time from IndexedDB alone", async () => {
    let requests = 0;
    const origin = storeOf(async (url, request) => {
      requests++;
      return await fetch(url, request);
    });
    const cached = (): BlobStore =>
      new CachingBlobStore({
        origin,
        cache: createIndexedDbBlobStore("weir-server"),
        limitBytes: 64 * 1024 * 1024,
        reportError(error) {
          throw error;
        },
      });
    expect(await countAll(cached())).toBe(WEIR_SERVER_WORDS);
    expect(requests).toBeGreaterThan(1);
    requests = 0;
    expect(await countAll(cached())).toBe(WEIR_SERVER_WORDS);
    expect(requests).toBe(0);
  });

  test("answers ranges at and beyond its ends, and says what is absent and what is forbidden", async () => {
    const store = storeOf();
    const whole = (await store.get(manifestPath))!;
    expect(await store.getRange(manifestPath, 1, 20)).toEqual(whole.slice(1, 21));
    expect(await store.getRange(manifestPath, whole.length - 5, 100)).toEqual(whole.slice(-5));
    expect(await store.getRange(manifestPath, whole.length, 1)).toEqual(new Uint8Array());
    expect(await store.getRange(manifestPath, 3, 0)).toEqual(new Uint8Array());
    expect(await store.get(`${manifestPath}.absent`)).toBeUndefined();
    expect(await store.getRange(`${manifestPath}.absent`, 0, 1)).toBeUndefined();
    const stranger = new HttpBlobStore({ baseUrl: `${jobUrl}/blobs/`, fetch: browserFetch });
    await expect(stranger.get(manifestPath)).rejects.toMatchObject({ kind: "unavailable" });
  });
});

/** A page's fetch must be called as a function of the window. */
const browserFetch: Fetch = async (url, request) => await fetch(url, request);

function storeOf(used: Fetch = browserFetch): BlobStore {
  return new HttpBlobStore({ baseUrl: `${jobUrl}/blobs/`, fetch: used, headers });
}

type Partition = ResolvedManifest["partitions"][number];

function openPartition(
  blobStore: BlobStore,
  { tables, keyGroups, time }: Partition,
): ReadOnlyStateEngine {
  return openReadOnly({ environment, blobStore, tables, keyGroups, time, mergeOperators });
}

/** Entries, of which each counts 1. */
async function countAll(store: BlobStore): Promise<number> {
  const { partitions } = await resolveChain(store, manifestPath, environment);
  let entries = 0;
  for (const partition of partitions) {
    const engine = openPartition(store, partition);
    let page = await engine.scan({});
    for (;;) {
      for (const { value } of page.entries) expect(decodeInt64Number(value)).toBe(1);
      entries += page.entries.length;
      if (page.next === undefined) break;
      page = await engine.scan(page.next);
    }
    engine.close();
  }
  return entries;
}
