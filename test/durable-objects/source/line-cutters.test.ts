/** Both ways of cutting lines into frames, without channels: what is in a batch, and what is refused. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { structuredCodec } from "../../../dataflow/codecs/structured-codec.ts";
import { FrameReader } from "../../../dataflow/frame.ts";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import { RecordFrameReader } from "../../../dataflow/record-frame.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import type { Position } from "../../../durable-objects/messages.ts";
import { LineFailure } from "../../../durable-objects/source/batch.ts";
import { createLineCutter } from "../../../durable-objects/source/line-cutter.ts";
import { WatermarkPositions } from "../../../durable-objects/source/watermark-positions.ts";

const codec = structuredCodec<unknown>();

interface Cutting {
  readonly cut: (lines: readonly string[], from: Position, toLine: number) => Uint8Array[];
}

function cutting(stream: BuiltStream): Cutting {
  const { graph } = stream;
  const [vertex] = graph.vertices;
  const positions = new WatermarkPositions(graph.source.watermarks);
  positions.pin(0, null);
  const cutter = createLineCutter({
    job: graph,
    source: 0,
    parallelism: { [vertex!.uid]: 1 },
    positions,
  });
  return {
    cut: (lines, from, toLine) => {
      const bytes = new TextEncoder().encode(lines.join("\n"));
      const segment = { firstLine: 0, lines: lines.length, arrivalTime: 5, bytes };
      const tasks = [{ vertex: vertex!.uid, index: 0 }];
      const { frames } = cutter.cut({ segments: [segment], from, toLine, tasks });
      return frames.map((frame) => frame.bytes);
    },
  };
}

const options = { parallelism: 1, maxParallelism: 16 } as const;
const counting = () =>
  job("j", options)
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .count("counts");
const collecting = () =>
  job("j", options)
    .lines()
    .flatMap((line) => line.split(" "))
    .output();

/** The words in counted frames, each as often as it was counted, sorted. */
function countedWords(frames: readonly Uint8Array[]): string[] {
  const words: string[] = [];
  for (const frame of frames) {
    const reader = new FrameReader(frame);
    while (reader.next()) {
      const key = reader.bytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength);
      const word = new TextDecoder().decode(key);
      words.push(...Array.from({ length: reader.delta }, () => word));
    }
  }
  return words.toSorted();
}

function collectedWords(frames: readonly Uint8Array[]): string[] {
  const words: string[] = [];
  for (const frame of frames) {
    const reader = new RecordFrameReader(frame);
    while (reader.next()) words.push(codec.decode(reader.value) as string);
  }
  return words;
}

const word = fc.constantFrom("a", "b", "c", "longer");
const textLine = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(" "));

test("a channel that goes on in the middle of a line gets the rest of it, and nothing twice [1]", () => {
  fc.assert(
    fc.property(
      fc.array(textLine, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      (lines, pickLine, pickRecord) => {
        const line = pickLine % lines.length;
        const record = pickRecord % (lines[line]!.split(" ").length + 1);
        const rest = [
          ...lines[line]!.split(" ").slice(record),
          ...lines.slice(line + 1).flatMap((one) => one.split(" ")),
        ];
        const from = { line, record };
        const counted = cutting(counting()).cut(lines, from, lines.length);
        const collected = cutting(collecting()).cut(lines, from, lines.length);
        expect(countedWords(counted)).toEqual(rest.toSorted());
        expect(collectedWords(collected)).toEqual(rest);
      },
    ),
  );
});

test("records meet the watermark of the lines before them, wherever batches end [13]", () => {
  const timed = () =>
    job("j", options)
      .lines()
      .flatMap((line) => line.split(" ").map(Number))
      .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(10, (at: number) => at))
      .output();
  const read = (frames: readonly Uint8Array[]): [unknown, number, number][] =>
    frames.flatMap((frame) => {
      const reader = new RecordFrameReader(frame);
      const found: [unknown, number, number][] = [];
      while (reader.next()) found.push([codec.decode(reader.value), reader.watermark, reader.line]);
      return found;
    });
  const numbers = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 8 }), fc.nat(), (lines, pick) => {
      const text = lines.map((line) => line.join(" "));
      const middle = pick % (lines.length + 1);
      const { cut } = cutting(timed());
      const found = [
        ...read(cut(text, { line: 0, record: 0 }, middle)),
        ...read(cut(text, { line: middle, record: 0 }, lines.length)),
      ];
      let latest = -Infinity;
      const expected = lines.flatMap((line, index) => {
        const watermark = latest - 11;
        latest = Math.max(latest, ...line);
        return line.map((at) => [at, watermark, index]);
      });
      expect(found).toEqual(expected);
    }),
  );
});

const promised = (() => Promise.resolve("later")) as unknown as (line: string) => string;
const nothing = (() => undefined) as unknown as (line: string) => string;

test.each<[string, () => BuiltStream, RegExp]>([
  [
    "a promise from map",
    () => job("j", options).lines().map(promised).output(),
    /function of map answered a promise.*asynchronous enrichment/,
  ],
  [
    "undefined from map",
    () => job("j", options).lines().map(nothing).output(),
    /function of map answered undefined where a record is expected/,
  ],
  [
    "a promise from filter",
    () =>
      job("j", options)
        .lines()
        .filter(promised as unknown as (line: string) => boolean)
        .keyBy((line) => line)
        .count("counts"),
    /function of filter answered a promise/,
  ],
  [
    "a promise from flatMap",
    () => job("j", options).lines().flatMap(promised).output(),
    /function of flatMap answered a promise/,
  ],
  [
    "a counted key over the limit",
    () =>
      job("j", options)
        .lines()
        .keyBy((line) => line.repeat(500_000))
        .count("counts"),
    /keyBy before "counts" answered a key of 1500000 bytes; the limit is 1048576/,
  ],
  [
    "a key over the limit",
    () =>
      job("j", options)
        .lines()
        .keyBy((line) => line.repeat(500_000))
        .deduplicate("seen")
        .output(),
    /keyBy before "seen" answered a key of 1500000 bytes; the limit is 1048576/,
  ],
  [
    "a record no codec can carry",
    () =>
      job("j", options)
        .lines()
        .map((line) => () => line)
        .output(),
    /function/,
  ],
])("%s is refused, with the line", (_what, stream, message) => {
  const { cut } = cutting(stream());
  let thrown: unknown;
  try {
    cut(["one", "two"], { line: 1, record: 0 }, 2);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(LineFailure);
  expect((thrown as LineFailure).line).toBe(1);
  expect(String((thrown as LineFailure).cause)).toMatch(message);
});
