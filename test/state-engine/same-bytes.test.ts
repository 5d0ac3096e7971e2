/**
 * The same seed, the same bytes: what an engine writes depends on nothing but what it is told.
 */
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EngineTuning, MemoryBlobStore } from "../../state-engine/index.ts";
import { command, longKeyCommand } from "./engine-command.ts";
import { COMPRESSED, TINY } from "./engine-fixture.ts";
import { Subject } from "./engine-model.ts";

const CODECS = ["none", "deflate-raw", "zstd"] as const;

/** Tiny blocks as they are, or ones that are worth compressing, and one of the codecs; small memtables or larger ones. */
function tuningOf(seed: number): Partial<EngineTuning> {
  const compression = CODECS[seed % CODECS.length]!;
  const memtableEntries = seed % 4 === 0 ? 64 : TINY.memtableEntries!;
  return { memtableEntries, compression, ...(compression !== "none" && COMPRESSED) };
}

/** Path and hash of every blob that the run left behind, and what its last checkpoint says. */
async function blobsOf(seed: number): Promise<string[]> {
  const steps = seed % 2 === 0 ? command : longKeyCommand;
  const [commands] = fc.sample(fc.array(steps, { minLength: 300, maxLength: 300 }), {
    seed,
    numRuns: 1,
  });
  const subject = new Subject(tuningOf(seed));
  for (const step of commands!) await subject.run(step);
  const blobs: string[] = [];
  const blobStore = subject.blobStore as MemoryBlobStore;
  for (const { path } of await blobStore.list("")) {
    const bytes = (await blobStore.get(path))!;
    blobs.push(`${path} ${createHash("sha256").update(bytes).digest("hex")}`);
  }
  expect(subject.decompressed > 0).toBe(tuningOf(seed).compression !== "none");
  return [...blobs, JSON.stringify(subject.completed?.persisted)];
}

test.for([1, 2, 3, 4, 5, 6, 7, 8])("seed %i gives the same blobs every time", async (seed) => {
  const first = await blobsOf(seed);
  expect(first.length).toBeGreaterThan(3);
  expect(await blobsOf(seed)).toEqual(first);
});

test("different seeds give different blobs", async () => {
  expect(await blobsOf(1)).not.toEqual(await blobsOf(2));
});
