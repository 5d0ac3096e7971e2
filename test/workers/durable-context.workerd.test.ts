/** The platform keeps, through the context, what ObjectContext promises to the logic: in workerd itself. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import {
  createDurableContext,
  DurableAlarm,
} from "../../durable-objects/platform/durable-context.ts";
import { HeldTask } from "../../durable-objects/platform/held-task.ts";
import { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import type { ObjectContext } from "../../durable-objects/object-context.ts";
import { wordCount } from "../../workers/jobs/word-count.ts";

const bindings = env as unknown as WeirBindings;

/** Runs `body` inside an object of its own; `name` tells them apart. */
async function inObject<Result>(
  name: string,
  body: (context: ObjectContext, state: DurableObjectState) => Promise<Result>,
): Promise<Result> {
  const stub = bindings.SOURCE.getByName(`wordcount/${name}/0`);
  return await runInDurableObject(stub, async (_instance, state) => {
    const alarm = new DurableAlarm(state.storage, await state.storage.getAlarm());
    const context = createDurableContext({ state, bindings, job: wordCount.graph, alarm });
    return await body(context, state);
  });
}

test("answers BLOB columns as Uint8Array and stores exactly the bytes of a view", async () => {
  await inObject("blob", async ({ sql }) => {
    sql.exec("CREATE TABLE blobs (bytes BLOB, size INTEGER, name TEXT, absent TEXT)");
    const view = Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 4);
    sql.exec("INSERT INTO blobs VALUES (?, ?, ?, ?)", view, view.length, "three", null);
    expect(sql.exec("SELECT * FROM blobs")).toEqual([
      { bytes: Uint8Array.of(2, 3, 4), size: 3, name: "three", absent: null },
    ]);
  });
});

test("takes rows and the alarm back when a transaction throws", async () => {
  await inObject("rollback", async ({ sql, alarm }, state) => {
    sql.exec("CREATE TABLE numbers (number INTEGER)");
    const later = Date.now() + 3_600_000;
    alarm.set(later);
    const failing = () =>
      sql.transaction(() => {
        sql.exec("INSERT INTO numbers VALUES (1)");
        alarm.set(later + 60_000);
        throw new Error("given up");
      });
    expect(failing).toThrow("given up");
    expect(sql.exec("SELECT * FROM numbers")).toEqual([]);
    expect(alarm.get()).toBe(later);
    expect(await state.storage.getAlarm()).toBe(later);
  });
});

test("sets the alarm in the transaction of the rows that need it", async () => {
  await inObject("alarm", async ({ sql, alarm }, state) => {
    sql.exec("CREATE TABLE due (at INTEGER)");
    const later = Date.now() + 3_600_000;
    sql.transaction(() => {
      sql.exec("INSERT INTO due VALUES (?)", later);
      alarm.set(later);
    });
    expect(alarm.get()).toBe(later);
    expect(await state.storage.getAlarm()).toBe(later);
    alarm.clear();
    expect(await state.storage.getAlarm()).toBeNull();
  });
});

test("compresses and checks blocks with the codecs of the platform", async () => {
  await inObject("codecs", async ({ environment }) => {
    const bytes = new TextEncoder().encode("the same again and again ".repeat(100));
    for (const codec of [environment.codecs.zstd!, environment.codecs["deflate-raw"]!]) {
      const packed = codec.compress(bytes);
      expect(packed.length).toBeLessThan(bytes.length / 4);
      expect(codec.decompress(packed, bytes.length)).toEqual(bytes);
      expect(() => codec.decompress(packed, bytes.length - 1)).toThrow(Error);
      expect(() => codec.decompress(packed.subarray(1), bytes.length)).toThrow(Error);
    }
    expect(environment.crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(environment.newId()).toMatch(/^[0-9a-f]{32}$/);
  });
});

test("an object whose job's bucket is not bound fails each call, and asks again after ten minutes", async () => {
  const { graph } = wordCount;
  const checkpoint = { ...graph.options.checkpoint, bucket: "NOWHERE" };
  const homeless = { ...graph, options: { ...graph.options, checkpoint } };
  const stub = bindings.SOURCE.getByName("wordcount/homeless/0");
  await runInDurableObject(stub, async (_instance, state) => {
    const held = new HeldTask({
      state,
      bindings,
      jobs: new JobRegistry([homeless]),
      create: () => ({ alarm: () => Promise.reject(new Error("There is no task to ask.")) }),
    });
    await state.blockConcurrencyWhile(async () => {});
    expect(() => held.task).toThrow('add [[r2_buckets]] with binding = "NOWHERE"');
    const before = Date.now();
    await held.alarm();
    expect(await state.storage.getAlarm()).toBeGreaterThanOrEqual(before + 600_000);
  });
});
