/**
 * What workerd itself does to objects: it evicts them, aborts them in the middle of work, and runs alarms when it
 * likes. SQLite and R2 alone decide what follows, and every count stays exact.
 */
import {
  abortAllDurableObjects,
  evictDurableObject,
  reset,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FrameWriter } from "../../dataflow/frame.ts";
import { keyGroupOf, partitionOfKeyGroup } from "../../dataflow/key-group.ts";
import { coordinatorName, partitionName, sourceName } from "../../durable-objects/names.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { createPeers } from "../../durable-objects/platform/peers.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";

const bindings = env as unknown as WeirBindings;
const peers = createPeers(bindings, "wordcount");
/** Of workers/jobs/word-count.ts, which leaves them at their defaults. */
const PARALLELISM = 4;
const MAX_PARALLELISM = 128;
const PATIENCE = { timeout: 30_000, interval: 5 };

const source = () => bindings.SOURCE.getByName(sourceName("wordcount", 0));
const coordinator = () => bindings.COORDINATOR.getByName(coordinatorName("wordcount"));
const partition = (word: string) =>
  bindings.PARTITION.getByName(partitionName("wordcount", taskOf(word)));

let sequence = 0;

beforeEach(() => {
  sequence = 0;
});
afterEach(async () => {
  await reset();
});

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function keyGroupOfWord(word: string): number {
  return keyGroupOf(hash32(encoded(word)), MAX_PARALLELISM);
}

function taskOf(word: string) {
  const index = partitionOfKeyGroup(keyGroupOfWord(word), PARALLELISM, MAX_PARALLELISM);
  return { vertex: "counts", index };
}

/** Until the source has answered: what an aborted object did not answer is sent again. */
async function post(...lines: readonly string[]): Promise<void> {
  const request = {
    producer: { id: "tests", sequence: sequence++ },
    fromLine: 0,
    lines: lines.length,
    bytes: encoded(lines.join("\n")),
    last: true,
  };
  await vi.waitFor(async () => {
    const { kind } = await peers.source(0).append(request);
    expect(["appended", "duplicate"]).toContain(kind);
  }, PATIENCE);
}

async function countOf(word: string): Promise<number | undefined> {
  const request = { state: "counts", keyGroup: keyGroupOfWord(word), key: encoded(word) };
  return await vi.waitFor(async () => {
    const answer = await peers.partition(taskOf(word)).readState(request);
    if (answer.kind === "missing") return undefined;
    if (answer.kind === "found") return Number(answer.json);
    throw new Error(`The read of "${word}" was answered ${answer.kind}.`);
  }, PATIENCE);
}

/** Until what was posted is counted as it must be, and nothing more. */
async function expectCounts(expected: Readonly<Record<string, number>>): Promise<void> {
  await vi.waitFor(async () => {
    const found = Object.keys(expected).map(async (word) => [word, await countOf(word)]);
    expect(Object.fromEntries(await Promise.all(found))).toEqual(expected);
  }, PATIENCE);
}

async function checkpoint(): Promise<number> {
  return await vi.waitFor(async () => {
    const answer = await peers.coordinator().requestCheckpoint({ waitMs: 10_000 });
    if (answer.kind !== "completed") throw new Error(`The checkpoint is ${answer.kind}.`);
    return Number(answer.detail["id"]);
  }, PATIENCE);
}

/** Ends an object at once; evicting waits until nobody calls it, and a source calls until its barrier is decided. */
async function abort(stub: DurableObjectStub): Promise<void> {
  const reason = "Its memory is taken away.";
  const aborting = runInDurableObject(stub, (_instance: object, state) => state.abort(reason));
  await expect(aborting).rejects.toThrow(reason);
}

/** A frame that no line stands behind, taken for the source's next: the partition's memory is wrong now. */
async function corrupt(word: string, line: number): Promise<void> {
  const to = peers.partition(taskOf(word));
  const generation = Number((await peers.coordinator().describeJob())["generation"]);
  const frame = new FrameWriter();
  const key = encoded(word);
  frame.addCount(hash32(key), key, 0, key.length, 1_000);
  const bytes = frame.finish();
  // The source may open its channel anew in between: the frame is then refused.
  await vi.waitFor(async () => {
    const opened = await to.openChannel({ source: 0, generation });
    if (opened.kind !== "open") throw new Error(`The channel is ${opened.kind}.`);
    const { attempt, position, session } = opened.channel;
    expect(position).toEqual({ line, record: 0 });
    const answer = await to.frame({
      generation,
      attempt,
      session,
      source: 0,
      from: position,
      to: { line: line + 50, record: 0 },
      watermark: -Infinity,
      arrivalTime: 0,
      bytes,
    });
    expect(answer.kind).toBe("done");
  }, PATIENCE);
}

test("a partition whose memory is wrong is right again once it has lost it: the checkpoint and the log alone decide", async () => {
  await post("left right left");
  await checkpoint();
  await post("left");
  await expectCounts({ left: 3, right: 1 });
  await corrupt("left", 2);
  expect(await countOf("left")).toBe(1_003);
  await abort(partition("left"));
  await expectCounts({ left: 3, right: 1 });
  await post("left right");
  await checkpoint();
  await expectCounts({ left: 4, right: 2 });
});

test("sources and coordinators that are evicted between any two calls go on from SQLite", async () => {
  for (let round = 1; round <= 2; round++) {
    await post("one two", "two");
    await evictDurableObject(source());
    await expectCounts({ one: round, two: 2 * round });
    await evictDurableObject(coordinator());
    expect(await checkpoint()).toBe(round);
    await abort(partition("one"));
  }
  await expectCounts({ one: 2, two: 4 });
});

test("every object is aborted in the middle of appends, frames and checkpoints, and each line counts once", async () => {
  const rounds = 6;
  for (let round = 0; round < rounds; round++) {
    const work = [post("a b", "b c"), post("c a a"), checkpoint()];
    // Each round a little further into the work: so many turns of reading go by first.
    for (let turn = 0; turn < 3 * round; turn++) {
      await peers
        .coordinator()
        .status()
        .catch(() => undefined);
    }
    await abortAllDurableObjects();
    await Promise.all(work);
  }
  await expectCounts({ a: 3 * rounds, b: 2 * rounds, c: 2 * rounds });
  expect(await checkpoint()).toBeGreaterThan(0);
  await abortAllDurableObjects();
  await expectCounts({ a: 3 * rounds, b: 2 * rounds, c: 2 * rounds });
});

interface Alarming {
  alarm(): Promise<void>;
}
type Method = (this: Alarming, ...parameters: unknown[]) => Promise<unknown>;

/** From now on the object's alarm runs twice before and twice after each call of these methods. */
async function alarmAround(
  stub: DurableObjectStub,
  names: readonly string[],
  called: (name: string) => void,
): Promise<void> {
  await runInDurableObject(stub, (instance: object) => {
    const methods = Object.getPrototypeOf(instance) as Record<string, Method>;
    for (const name of names) {
      const method = methods[name];
      if (method === undefined) throw new Error(`An object of this class has no method ${name}.`);
      methods[name] = async function call(...parameters) {
        called(name);
        await this.alarm();
        await this.alarm();
        const answer = await method.apply(this, parameters);
        await this.alarm();
        await this.alarm();
        return answer;
      };
    }
  });
}

test("alarms that run twice before and after every append, frame, barrier, acknowledgement and attach change nothing", async () => {
  await post("a b a");
  await expectCounts({ a: 2, b: 1 });
  const awkward = {
    source: ["append", "rewind", "triggerCheckpoint", "completeCheckpoint"],
    partition: ["openChannel", "frame", "barrier", "completeCheckpoint"],
    coordinator: ["attachSource", "attachPartition", "acknowledge", "sourceChanged"],
  };
  const called = new Set<string>();
  const note = (name: string) => void called.add(name);
  await alarmAround(source(), awkward.source, note);
  await alarmAround(partition("a"), awkward.partition, note);
  await alarmAround(coordinator(), awkward.coordinator, note);
  for (let round = 1; round <= 2; round++) {
    await post("a b a", "b");
    await abort(partition("a"));
    await checkpoint();
    await expectCounts({ a: 2 + 2 * round, b: 1 + 2 * round });
    await evictDurableObject(source());
  }
  await post("a");
  await expectCounts({ a: 7, b: 5 });
  expect([...called].sort()).toEqual([...new Set(Object.values(awkward).flat())].sort());
});
