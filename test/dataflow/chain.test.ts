import { expect, test } from "vitest";
import { compileChain } from "../../dataflow/chain.ts";
import { job } from "../../dataflow/job.ts";
import { Partitioner } from "../../dataflow/partitioner.ts";
import { FrameReader } from "../../dataflow/frame.ts";
import { keyCodecs } from "../../state-engine/state/key-codec.ts";

test("a chain runs its operators in order, arrays and other iterables alike", () => {
  const graph = job("j")
    .lines()
    .flatMap((line) => line.split(" "))
    .filter((word) => word !== "the")
    .flatMap(function* (word) {
      yield word;
      yield word.toUpperCase();
    })
    .map((word) => `${word}!`)
    .keyBy((word) => word)
    .count("counts").graph;
  const out: unknown[] = [];
  compileChain(graph.source.chain, (record) => out.push(record))("see the weir");
  expect(out).toEqual(["see!", "SEE!", "weir!", "WEIR!"]);
});

function partitioner(
  keyType: "string" | "integer",
  parallelism: number,
  frames: Uint8Array[] = [],
): Partitioner {
  return new Partitioner({
    vertex: {
      uid: "counts",
      key: (record) => record,
      keyType,
      operator: { kind: "count", state: "counts" },
      results: [],
      sides: {},
    },
    parallelism,
    maxParallelism: 128,
    onFrame: (partition, frame) => void (frames[partition] = frame),
  });
}

test("each record is counted at the partition that owns its key, and nowhere else", () => {
  const words = Array.from({ length: 500 }, (_, index) => `wörd ${index % 100} 🌊`);
  const wholeFrames: Uint8Array[] = [];
  const splitFrames: Uint8Array[] = [];
  const whole = partitioner("string", 1, wholeFrames);
  const split = partitioner("string", 4, splitFrames);
  split.setActive(2, false);
  for (const word of words) {
    whole.add(word);
    split.add(word);
  }
  expect([...wholeFrames, ...splitFrames]).toEqual([]);
  whole.drain();
  split.drain();
  const counts = (frame: Uint8Array | undefined): [unknown, number][] => {
    const found: [unknown, number][] = [];
    const reader = new FrameReader(frame!);
    while (reader.next()) {
      const key = reader.bytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength);
      found.push([keyCodecs.string.read(key), reader.delta]);
    }
    return found;
  };
  expect(counts(wholeFrames[0])).toEqual(words.slice(0, 100).map((word) => [word, 5]));
  expect(splitFrames[2]).toBeUndefined();
  const parts = [0, 1, 3].map((index) => counts(splitFrames[index]));
  expect(parts.every((part) => part.length > 5)).toBe(true);
  const seen = parts.flat();
  expect(new Set(seen.map(([word]) => word)).size).toBe(seen.length);
  expect(seen.length).toBeLessThan(95);
});

test("a key of the wrong type is an error that says what to write", () => {
  expect(() => partitioner("string", 1).add(5)).toThrow('keyBy(…, "integer")');
  expect(() => partitioner("integer", 1).add("5")).toThrow("keys of this stream are an integer");
  expect(() => partitioner("integer", 1).add(0.5)).toThrow('keyBy before "counts" failed');
});
