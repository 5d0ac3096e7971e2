import { expect, expectTypeOf, test } from "vitest";
import { job, jobGraphOf } from "../../dataflow/job.ts";
import type { Stream, UpdatingStream } from "../../dataflow/job.ts";
import { defaultJobOptions } from "../../dataflow/options.ts";

test("types flow from the lines to the counts", () => {
  const words = job("wordcount")
    .lines()
    .flatMap((line) => line.split(" "));
  expectTypeOf(words).toEqualTypeOf<Stream<string>>();
  const lengths = words.map((word) => word.length).filter((length) => length > 2);
  expectTypeOf(lengths).toEqualTypeOf<Stream<number>>();
  expectTypeOf(lengths.keyBy((length) => length, "integer").count("lengths")).toEqualTypeOf<
    UpdatingStream<number, number>
  >();
  expectTypeOf(words.keyBy((word) => word).count("counts")).toEqualTypeOf<
    UpdatingStream<string, number>
  >();
});

test("a built job is a graph with every option filled in", () => {
  const stream = job("wordcount", { parallelism: 2, checkpoint: { intervalMs: 500 } })
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .count("counts");
  const graph = jobGraphOf(stream);
  expect(graph.options).toEqual({
    ...defaultJobOptions,
    parallelism: 2,
    checkpoint: { ...defaultJobOptions.checkpoint, intervalMs: 500 },
  });
  expect(graph.source.chain.map((transform) => transform.kind)).toEqual(["flatMap"]);
  expect(graph.vertices.map(({ uid, keyType }) => [uid, keyType])).toEqual([["counts", "string"]]);
  expect(JSON.parse(JSON.stringify(stream.describe()))).toMatchObject({
    name: "wordcount",
    nodes: [
      { id: "lines()", kind: "source", operators: ["lines", "flatMap"], parallelism: 1 },
      { id: "counts", kind: "keyed", operators: ["count"], parallelism: 2, state: "counts" },
    ],
    edges: [{ from: "lines()", to: "counts", partitioning: "hash" }],
  });
});

test.each([
  [{ parallelism: 129 }, 'Option "parallelism" of job "j" is 129. Write a number from 1 to 128.'],
  [{ sources: 1.5 }, 'Option "sources" of job "j" is 1.5. Write a whole number from 1 to 1024.'],
  [
    { checkpoint: { mode: "Full" } },
    'Option "checkpoint.mode" of job "j" is "Full". Write "incremental" or "full".',
  ],
  [
    { checkpoint: { bucket: "my-bucket" } },
    'Option "checkpoint.bucket" of job "j" is "my-bucket". Write the name of an R2 binding in',
  ],
  [
    { checkpoint: { storagePrefix: "weir" } },
    'Option "checkpoint.storagePrefix" of job "j" is "weir". Write "" or a prefix',
  ],
  [
    { checkpoint: { unaligned: { alignmentTimeoutMs: -1 } } },
    'Option "checkpoint.unaligned.alignmentTimeoutMs" of job "j" is -1. Write a number from 0',
  ],
  [
    { checkpoint: { unaligned: { alignmentTimeoutMs: 0 }, guarantee: "at-least-once" } },
    'Option "checkpoint.guarantee" of job "j" is "at-least-once". Write "exactly-once".',
  ],
  [{ paralellism: 2 }, 'Job "j" has no option "paralellism". Write one of: parallelism'],
  [
    { restart: { maxBackoffMs: 10 } },
    'Option "restart.maxBackoffMs" of job "j" is 10. Write a number from 1000 to',
  ],
])("options %j are refused with what to write instead", (options: object, message) => {
  expect(() => job("j", options)).toThrow(message);
});

test("names that cannot stand in a URL are refused with one that can", () => {
  expect(() => job("Word Count")).toThrow('such as "word-count"');
  const keyed = job("j")
    .lines()
    .keyBy((line) => line);
  expect(() => keyed.count("my counts")).toThrow('such as "counts"');
});
