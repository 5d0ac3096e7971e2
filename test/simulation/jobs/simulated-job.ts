/**
 * A job that runs in simulated worlds: how it is written, which lines its producers send, and what its
 * state and its committed output must be when exactly given lines are in. The last is a batch
 * computation over arrays; nothing of the product takes part in it.
 */
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";

/** Values as JSON texts, by state and key. Of every state that can be read by key. */
export type States = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A committed line of output. */
export interface OutputLine {
  readonly checkpoint: number;
  readonly output: string;
  readonly key?: unknown;
  readonly value: unknown;
}

/** The job as it is at one moment: everything that follows from these lines, and from no other. */
export interface Cut {
  /** Lines by source, in the order of its log. */
  readonly lines: readonly (readonly string[])[];
  readonly states: States;
  /** What was committed on the way here, in order of commit. */
  readonly output: readonly OutputLine[];
  /** No line comes any more, and the closing lines are in. */
  readonly isEnd: boolean;
}

export interface Producer {
  /** The lines of its next request. */
  lines(count: number): readonly string[];
  /** What it sends after everything else. */
  readonly closing: readonly string[];
}

export interface SimulatedJob {
  readonly graph: JobGraph;
  /** The dice are this producer's own: what it sends depends on nothing else. */
  producer(index: number, random: SeededRandom): Producer;
  /** What is wrong, in words; undefined when all is as it must be. */
  check(cut: Cut): string | undefined;
  /** The states of a checkpoint once these frames, which its barriers overtook, have been applied. Absent: not known. */
  withInFlight?(states: States, frames: readonly Uint8Array[]): States;
  /** A state whose values never fall while the job runs on. */
  readonly growing?: { readonly vertex: string; readonly state: string };
}
