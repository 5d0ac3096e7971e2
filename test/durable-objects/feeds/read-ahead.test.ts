/** Reading ahead: what is begun, what it may hold, and that no object is asked for more often than without it. */
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { r2Objects } from "../../../dataflow/feeds/r2-objects.ts";
import { job } from "../../../dataflow/job.ts";
import type { InputObject, ObjectRead } from "../../../durable-objects/inputs.ts";
import { ReadAhead } from "../../../durable-objects/source/feeds/read-ahead.ts";
import { ScriptedInputs } from "../../support/scripted-inputs.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld } from "../jobs/job-world.ts";

const mebibyte = 1024 * 1024;

/** Reads that are answered when the test says so. */
class HeldReads {
  readonly asked: string[] = [];
  readonly ahead = new ReadAhead({ read: (...read) => this.#read(...read) });
  readonly #settle = new Map<string, PromiseWithResolvers<ObjectRead>>();

  answer(name: string): void {
    this.#settle.get(name)!.resolve({
      kind: "bytes",
      bytes: new TextEncoder().encode(name),
      contentEncoding: undefined,
    });
  }

  fail(name: string): void {
    this.#settle.get(name)!.reject(new Error("The bucket is away."));
  }

  #read({ key }: { readonly key: string }, offset: number, length: number): Promise<ObjectRead> {
    const name = `${key} ${offset}+${length}`;
    this.asked.push(name);
    const settle = Promise.withResolvers<ObjectRead>();
    this.#settle.set(name, settle);
    return settle.promise;
  }
}

function object(key: string, size: number): InputObject {
  return { key, etag: `etag of ${key}`, size };
}

test("[FD13] ranges are asked for in order, while they fit into 2 MiB, and each once", async () => {
  const reads = new HeldReads();
  const [large, small] = [object("large", 5 * mebibyte), object("small", 10)];
  reads.ahead.begin([
    { object: large, from: 2 * mebibyte },
    { object: small, from: 0 },
  ]);
  expect(reads.asked).toEqual(["large 2097152+2097152"]);
  const wanted = reads.ahead.read({ object: large, from: 2 * mebibyte });
  reads.answer("large 2097152+2097152");
  expect(await wanted).toMatchObject({ kind: "bytes" });
  reads.ahead.begin([
    { object: large, from: 4 * mebibyte },
    { object: small, from: 0 },
  ]);
  reads.ahead.begin([
    { object: large, from: 4 * mebibyte },
    { object: small, from: 0 },
  ]);
  expect(reads.asked.slice(1)).toEqual(["large 4194304+1048576", "small 0+10"]);
});

test("[FD13] at most four reads are ahead, and what is wanted no more is let go", async () => {
  const reads = new HeldReads();
  const places = Array.from({ length: 9 }, (_, index) => ({
    object: object(`object-${index}`, 100),
    from: 0,
  }));
  reads.ahead.begin(places);
  expect(reads.asked).toHaveLength(4);
  reads.ahead.begin(places.slice(3));
  expect(reads.asked.slice(4)).toEqual(["object-4 0+100", "object-5 0+100", "object-6 0+100"]);
  void reads.ahead.read(places[0]!);
  expect(reads.asked.at(-1)).toBe("object-6 0+100");
  await Promise.resolve();
  expect(reads.asked.at(-1)).toBe("object-0 0+100");
});

test("[FD13] a read ahead that failed is asked for again when it is wanted, and fails then if it must", async () => {
  const reads = new HeldReads();
  const place = { object: object("one", 100), from: 0 };
  reads.ahead.begin([place]);
  reads.fail("one 0+100");
  const wanted = reads.ahead.read(place);
  const outcome = wanted.then(
    () => "answered",
    (error: Error) => error.message,
  );
  while (reads.asked.length < 2) await Promise.resolve();
  reads.fail("one 0+100");
  expect(await outcome).toBe("The bucket is away.");
});

test("[FD13] a feed reads each range of each object once: as many GETs as without reading ahead", async () => {
  const inputs = new ScriptedInputs();
  const random = new SeededRandom(20_261_123);
  const noise = Array.from({ length: 40_000 }, () => random.next().toString(36)).join("\n");
  const large = `${"x".repeat(1000)}\n`.repeat(5_000);
  inputs.put("in/0", large);
  inputs.put("in/1.gz", gzipSync(noise));
  inputs.put("in/2", large.slice(0, 3_000_000), "");
  inputs.put("in/3", "");
  for (let index = 100; index < 400; index++) inputs.put(`in/${index}`, `line ${index}\n`);
  const stream = job("lines", { parallelism: 1, sources: 2 })
    .from(r2Objects({ prefix: "in/" }))
    .lines()
    .keyBy((line) => line.slice(0, 4))
    .count("counts");
  const it = new JobWorld(stream, { inputs });
  onTestFinished(() => it.close());
  await it.until("FINISHED");
  const reads = inputs.calls.filter((call) => call.startsWith("read "));
  expect(new Set(reads).size).toBe(reads.length);
  const ranges = [...inputs.objects.values()].map(({ bytes }) =>
    Math.ceil(bytes.length / (2 * mebibyte)),
  );
  expect(reads).toHaveLength(ranges.reduce((sum, count) => sum + count, 0));
});
