/** What a frame does to the engine. */
import { expect, it } from "vitest";
import { FrameWriter } from "../../../dataflow/frame.ts";
import { RecordFrameWriter } from "../../../dataflow/record-frame.ts";
import { job, jobGraphOf } from "../../../dataflow/job.ts";
import { KeyedTask } from "../../../dataflow/keyed/keyed-task.ts";
import { mergeOperatorsOf } from "../../../dataflow/keyed/keyed-states.ts";
import { MemoryBlobStore, StateEngine, hash32 } from "../../../state-engine/index.ts";
import { testEnvironment } from "../../state-engine/engine-fixture.ts";

const graph = jobGraphOf(
  job("test", { maxParallelism: 8, parallelism: 2 })
    .lines()
    .keyBy((line) => line)
    .count("counts"),
);
const vertex = graph.vertices[0]!;

function taskOf(keyGroups: { first: number; last: number }) {
  const merged: { key: number[]; hash: number; delta: number }[] = [];
  const times: number[] = [];
  const engine = {
    mergeInt64(bytes: Uint8Array, offset: number, length: number, hash: number, delta: number) {
      merged.push({ key: [...bytes.subarray(offset, offset + length)], hash, delta });
    },
    advanceTime: (time: number) => void times.push(time),
    isWithinAdmitted: true,
    admit: () => undefined,
  };
  const task = new KeyedTask({ vertex, engine, keyGroups, maxParallelism: 8, time: 5 });
  return { task, merged, times };
}

function addKey(writer: FrameWriter, key: string, delta: number): number {
  const bytes = new TextEncoder().encode(key);
  const hash = hash32(bytes, 0, bytes.length);
  writer.addCount(hash, bytes, 0, bytes.length, delta);
  return hash;
}

it("merges one operand per record under key group, state and key, and answers the records they stand for", () => {
  const { task, merged, times } = taskOf({ first: 0, last: 7 });
  const writer = new FrameWriter();
  const hash = addKey(writer, "ab", 3);
  addKey(writer, "x".repeat(1000), 4);
  expect(task.apply(writer.finish(), 9)).toBe(7);
  expect(merged[0]).toEqual({ key: [0, hash % 8, 0, 1, 97, 98], hash, delta: 3 });
  expect(merged[1]!.key).toHaveLength(1004);
  expect(times).toEqual([5, 9]);
});

it("[rule 15] moves time with records only, and never back", async () => {
  const { task } = taskOf({ first: 0, last: 7 });
  await task.apply(new FrameWriter().finish(), 100);
  expect(task.time).toBe(5);
  const writer = new FrameWriter();
  addKey(writer, "a", 1);
  await task.apply(writer.finish(), 3);
  expect(task.time).toBe(5);
});

it("refuses a record of another partition's key group, and a frame of another kind", () => {
  const writer = new FrameWriter();
  const group = addKey(writer, "a", 1) % 8;
  const other = (group + 1) % 8;
  const { task } = taskOf({ first: other, last: other });
  expect(() => task.apply(writer.finish(), 1)).toThrow(`key group ${group}`);
  const records = new RecordFrameWriter().finish();
  expect(() => task.apply(records, 1)).toThrow("Frame kind 3 is none of counts (1)");
});

it("[rule 31] keeps the pool within its limit, though a frame of new keys writes several times its bytes", async () => {
  const limitBytes = 2 * 1024 * 1024;
  const environment = testEnvironment(limitBytes);
  const keyGroups = { first: 0, last: 7 };
  const engine = StateEngine.open({
    environment,
    blobStore: new MemoryBlobStore(environment),
    keyGroups,
    tables: [],
    sequence: 0,
    mergeOperators: mergeOperatorsOf(vertex),
    uploads: { nextPath: () => environment.newId(), note: () => undefined },
  });
  const task = new KeyedTask({ vertex, engine, keyGroups, maxParallelism: 8, time: 5 });
  let peakBytes = 0;
  const merge = engine.mergeInt64.bind(engine);
  engine.mergeInt64 = (...written) => {
    merge(...written);
    peakBytes = Math.max(peakBytes, engine.usedBytes);
  };
  const writer = new FrameWriter();
  for (let key = 0; key < 60_000; key++) addKey(writer, key.toString(36), 1);
  const frame = writer.finish();
  await engine.admit(frame.length);
  expect(await task.apply(frame, 9)).toBe(60_000);
  expect(frame.length).toBeLessThan(limitBytes / 2);
  expect(peakBytes).toBeLessThan(limitBytes);
});
