/**
 * Where the time of one word goes: the stages of the path one by one, with the real classes, in Node.
 * What is between them (HTTP, calls between objects, SQLite, the bucket) is not here: the whole path is
 * measured by throughput.ts.
 *
 * Times are CPU time of this thread, which other processes of the machine disturb less than the clock.
 * The kernel counts it in ticks, so a single run says little: each stage answers its mean over all.
 */
import { isUtf8 } from "node:buffer";
import { compileChain } from "../../dataflow/chain.ts";
import { FrameReader } from "../../dataflow/frame.ts";
import { jobGraphOf } from "../../dataflow/job.ts";
import { keyGroupRangeOf } from "../../dataflow/key-group.ts";
import { mergeOperatorsOf } from "../../dataflow/keyed/keyed-states.ts";
import { KeyedTask } from "../../dataflow/keyed/keyed-task.ts";
import { BatchCutter, type CutFrame } from "../../durable-objects/source/batch.ts";
import type { Segment } from "../../durable-objects/source/log.ts";
import { MemoryBlobStore, StateEngine } from "../../state-engine/index.ts";
import { createNodeEnvironment } from "../../test/support/node-environment.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { cutLines } from "../../durable-objects/lines/cut-lines.ts";
import { wordCount } from "../../workers/jobs/word-count.ts";
import { bodiesOf, countWords } from "../texts.ts";

const graph = jobGraphOf(wordCount);
const vertex = graph.vertices[0]!;
const { maxParallelism } = graph.options;
const PARTITIONS = 4;

/** Nanoseconds. */
export interface StageTimes {
  /** From a request's body to a segment of the log. */
  readonly cutPerWord: number;
  readonly decodePerWord: number;
  /** The job's own functions, line by line. */
  readonly functionsPerWord: number;
  /** Keys, combiner, frames. */
  readonly combinePerWord: number;
  readonly applyPerWord: number;
  readonly applyPerRecord: number;
  /** A checkpoint of everything, its objects kept in memory. */
  readonly persistPerWord: number;
  readonly persistPerEntry: number;
}

/** Runs every stage over the whole text `rounds` times, after one run that is thrown away. */
export async function measureStages(content: string, rounds: number): Promise<StageTimes> {
  const bodies = bodiesOf(content);
  const segments = segmentsOf(bodies);
  const words = [...countWords(content).values()].reduce((sum, count) => sum + count, 0);
  const cutter = new BatchCutter(graph, { [vertex.uid]: PARTITIONS });
  const frames = cutSegments(cutter, segments);
  const cut = repeat(rounds, () => void segmentsOf(bodies));
  const decode = repeat(rounds, () => decodeAll(segments));
  const functions = repeat(rounds, () => runFunctions(segments));
  const source = repeat(rounds, () => void cutSegments(cutter, segments));
  const { apply, persist, records, entries } = await measurePartitions(frames, rounds);
  return {
    cutPerWord: cut / words,
    decodePerWord: decode / words,
    functionsPerWord: (functions - decode) / words,
    combinePerWord: (source - functions) / words,
    applyPerWord: apply / words,
    applyPerRecord: apply / records,
    persistPerWord: persist / words,
    persistPerEntry: persist / entries,
  };
}

function segmentsOf(bodies: readonly Uint8Array[]): Segment[] {
  const segments: Segment[] = [];
  let firstLine = 0;
  for (const body of bodies) {
    for (let offset = 0; offset < body.length;) {
      const rest = body.subarray(offset);
      const { bytes, lines, consumed } = cutLines(rest, { isEnd: true, isUtf8 });
      if (bytes !== undefined) segments.push({ firstLine, lines, arrivalTime: 1, bytes });
      firstLine += lines;
      offset += consumed;
    }
  }
  return segments;
}

function decodeAll(segments: readonly Segment[]): void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const { bytes } of segments) decoder.decode(bytes);
}

/** Lines through the job's chain to nowhere. */
function runFunctions(segments: readonly Segment[]): void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let length = 0;
  const run = compileChain(graph.source.chain, (word) => void (length += (word as string).length));
  for (const { bytes, lines } of segments) {
    const text = decoder.decode(bytes);
    for (let line = 0, start = 0; line < lines; line++) {
      const lineEnd = text.indexOf("\n", start);
      run(lineEnd < 0 ? text.slice(start) : text.slice(start, lineEnd));
      start = lineEnd + 1;
    }
  }
  if (length === 0) throw new Error("The text has no words.");
}

function cutSegments(cutter: BatchCutter, segments: readonly Segment[]): CutFrame[] {
  const tasks = Array.from({ length: PARTITIONS }, (_, index) => ({ vertex: vertex.uid, index }));
  return segments.flatMap((segment) => {
    const toLine = segment.firstLine + segment.lines;
    const from = { line: segment.firstLine, record: 0 };
    return cutter.cut({ segments: [segment], from, toLine, tasks }).frames;
  });
}

interface PartitionTimes {
  readonly records: number;
  readonly entries: number;
  /** Nanoseconds of one run. */
  readonly apply: number;
  readonly persist: number;
}

/** Each run fills engines that are empty, then takes one checkpoint of all of them. */
async function measurePartitions(
  frames: readonly CutFrame[],
  rounds: number,
): Promise<PartitionTimes> {
  let [apply, persist, entries] = [0, 0, 0];
  for (let round = 0; round <= rounds; round++) {
    const partitions = Array.from({ length: PARTITIONS }, (_, index) => openPartition(index));
    const begin = threadNanoseconds();
    for (const { task, bytes } of frames) {
      const done = partitions[task.index]!.task.apply(bytes, 1);
      if (typeof done !== "number") await done;
    }
    const applied = threadNanoseconds();
    entries = 0;
    for (const { engine } of partitions) {
      const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
      const { tables } = await engine.persist(engine.freeze(), options);
      entries += tables.reduce((sum, table) => sum + table.entries, 0);
    }
    if (round === 0) continue;
    apply += (applied - begin) / rounds;
    persist += (threadNanoseconds() - applied) / rounds;
  }
  const records = frames.reduce((sum, { bytes }) => sum + new FrameReader(bytes).records, 0);
  return { records, entries, apply, persist };
}

function openPartition(index: number) {
  const environment = createNodeEnvironment({ now: () => 1, random: new SeededRandom(index) });
  const keyGroups = keyGroupRangeOf(index, PARTITIONS, maxParallelism);
  let objects = 0;
  const engine = StateEngine.open({
    environment,
    blobStore: new MemoryBlobStore(environment),
    keyGroups,
    tables: [],
    sequence: 0,
    mergeOperators: mergeOperatorsOf(vertex),
    uploads: { nextPath: () => `${index}/${objects++}`, note: () => {} },
  });
  const task = new KeyedTask({ vertex, engine, keyGroups, maxParallelism, time: 0 });
  return { engine, task };
}

/** Mean nanoseconds of one run. */
function repeat(rounds: number, run: () => void): number {
  run();
  const begin = threadNanoseconds();
  for (let round = 0; round < rounds; round++) run();
  return (threadNanoseconds() - begin) / rounds;
}

function threadNanoseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
}
