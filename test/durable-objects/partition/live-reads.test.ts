/** Live reads: when they are answered, and what they see. */
import { SeededRandom } from "../../support/seeded-random.ts";
import { expect, it } from "vitest";
import { PartitionHarness, stateOf } from "./partition-harness.ts";

it("[rule 20a] answers a live read only when every channel is where it was before", async () => {
  const harness = new PartitionHarness();
  harness.furthest = { line: 10, record: 0 };
  const read = harness.count("a");
  await harness.open();
  await harness.frame([0, 7], { a: 7 });
  expect(await stateOf(read)).toBe("open");
  await harness.frame([7, 10], { a: 3 });
  expect(await read).toBe(10);
  harness.restart();
  const late = harness.count("a");
  await harness.context.clock.advance(5_000);
  expect(await late).toBe("notReady");
});

it("[rule 20b] refuses a key group it does not own and a state it does not have", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  const key = new Uint8Array([97]);
  expect(await harness.task.readState({ state: "counts", keyGroup: 16, key })).toEqual({
    kind: "notOwner",
  });
  expect(await harness.task.readState({ state: "sums", keyGroup: 0, key })).toEqual({
    kind: "unknownState",
  });
  const scan = { prefix: "", limit: 10, order: "key" } as const;
  expect(await harness.task.scanState({ state: "sums", ...scan })).toEqual({
    kind: "unknownState",
  });
});

it("scans by key and from the largest value down", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 1], { apple: 2, avocado: 5, banana: 5 });
  const scan = { state: "counts", prefix: "", limit: 2, order: "valueDescending" } as const;
  const first = await harness.task.scanState(scan);
  expect(first).toMatchObject({
    entries: [
      { key: '"avocado"', value: "5" },
      { key: '"banana"', value: "5" },
    ],
  });
  if (first.kind !== "page") throw new Error("not a page");
  expect(await harness.task.scanState({ ...scan, cursor: first.next! })).toEqual({
    kind: "page",
    entries: [{ key: '"apple"', value: "2" }],
  });
  const byKey = { ...scan, prefix: "a", order: "key" } as const;
  const page = await harness.task.scanState(byKey);
  expect(page.kind === "page" && page.entries.map((entry) => entry.key).toSorted()).toEqual([
    '"apple"',
    '"avocado"',
  ]);
});

const scanOfAll = { state: "counts", prefix: "", limit: 10_000, order: "key" } as const;

/** A partition whose only table is gone from the bucket, with the count of its keys. */
async function withoutItsTable() {
  const harness = new PartitionHarness();
  await harness.open();
  const random = new SeededRandom(1);
  const keys = Array.from({ length: 4_000 }, () => `${random.next()}-${random.next()}`);
  await harness.frame([0, 1], Object.fromEntries(keys.map((key) => [key, 1])));
  await harness.barrier(1, 1);
  await harness.complete(1, [1]);
  harness.restart();
  await harness.open();
  const [path] = harness.blobStore.blobs.keys();
  const bytes = harness.blobStore.blobs.get(path!)!;
  harness.blobStore.blobs.delete(path!);
  return { harness, path: path!, bytes, keys };
}

it("[rule 3] [rule 21] reports a table of the live state that is gone, asks the reader to come back, never answers short, and restores anew", async () => {
  const { bytes, harness, keys, path } = await withoutItsTable();
  const attaches = harness.attaches.length;
  const notReady = { kind: "notReady", retryAfterSeconds: 1 };
  expect(await harness.task.scanState(scanOfAll)).toEqual(notReady);
  harness.blobStore.blobs.set(path, bytes);
  await harness.context.clock.advance(10_000);
  await harness.open();
  const reported = harness.context.takeErrors().map(({ error }) => error);
  expect(reported).toEqual([expect.objectContaining({ kind: "missing", path })]);
  expect(harness.attaches.length).toBeGreaterThan(attaches);
  const page = await harness.task.scanState(scanOfAll);
  expect(page.kind === "page" && page.entries).toHaveLength(keys.length);
});

it.each(["generation", "attempt"] as const)(
  "[rule 3] reports no table that went with an older %s, which was the last to hear of the newer one",
  async (what) => {
    const { bytes, harness, keys, path } = await withoutItsTable();
    harness[what] += 1;
    await harness.task.scanState(scanOfAll);
    harness.blobStore.blobs.set(path, bytes);
    await harness.context.clock.advance(10_000);
    await harness.open();
    const page = await harness.task.scanState(scanOfAll);
    expect(page.kind === "page" && page.entries).toHaveLength(keys.length);
    expect(harness.context.takeErrors()).toEqual([]);
  },
);
