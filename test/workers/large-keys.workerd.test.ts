/**
 * Keys up to the largest one there may be, in workerd with its limits of rows, calls and memory: counted,
 * checkpointed and read back by objects that have lost their memory.
 */
import { evictAllDurableObjects, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { keyGroupOf, partitionOfKeyGroup } from "../../dataflow/key-group.ts";
import { MAX_KEY_BYTES } from "../../dataflow/key-limit.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { createPeers } from "../../durable-objects/platform/peers.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";

const bindings = env as unknown as WeirBindings;
const peers = createPeers(bindings, "wordcount");
/** Of workers/jobs/word-count.ts, which leaves them at their defaults. */
const PARALLELISM = 4;
const MAX_PARALLELISM = 128;
const PATIENCE = { timeout: 30_000, interval: 50 };

afterEach(async () => {
  await reset();
});

/** A word of one letter, but for its end. */
function word(bytes: number, end: string): Uint8Array {
  const text = new Uint8Array(bytes).fill(0x77);
  text.set(new TextEncoder().encode(end), bytes - end.length);
  return text;
}

async function post(line: Uint8Array, sequence: number): Promise<void> {
  const producer = { id: "tests", sequence };
  const { kind } = await peers
    .source(0)
    .append({ producer, fromLine: 0, lines: 1, bytes: line, last: true });
  expect(kind).toBe("appended");
}

async function countOf(key: Uint8Array): Promise<number | undefined> {
  const keyGroup = keyGroupOf(hash32(key), MAX_PARALLELISM);
  const index = partitionOfKeyGroup(keyGroup, PARALLELISM, MAX_PARALLELISM);
  const partition = peers.partition({ vertex: "counts", index });
  const answer = await partition.readState({ state: "counts", keyGroup, key });
  if (answer.kind === "missing") return undefined;
  if (answer.kind === "found") return Number(answer.json);
  throw new Error(`The read of a word of ${key.length} bytes was answered ${answer.kind}.`);
}

async function checkpoint(): Promise<number> {
  return await vi.waitFor(async () => {
    const answer = await peers.coordinator().requestCheckpoint({ waitMs: 10_000 });
    if (answer.kind !== "completed") throw new Error(`The checkpoint is ${answer.kind}.`);
    return Number(answer.detail["id"]);
  }, PATIENCE);
}

test("[CK12] words of 60,000 bytes to 1 MiB are counted, checkpointed and read back", async () => {
  const sizes = [60_000, 120_000, 300_000, MAX_KEY_BYTES];
  // Two of each differ in their last letters alone.
  const words = sizes.flatMap((size) => [word(size, "one"), word(size, "two")]);
  let sequence = 0;
  for (const round of [1, 2]) {
    for (const each of words) await post(each, sequence++);
    await checkpoint();
    await evictAllDurableObjects();
    for (const each of words) {
      await vi.waitFor(async () => expect(await countOf(each)).toBe(round), PATIENCE);
    }
  }
});
