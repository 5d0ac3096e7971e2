/**
 * The worlds a mutant is looked for in: small, so that sixty of them take seconds, and with the faults
 * its breakage needs to show. Each stands over what a seed says (scenario.ts); the rest is the seed's.
 */
import { type FaultRates, NO_FAULTS } from "../faults.ts";
import { type Scenario, scenarioOf } from "../scenario.ts";

export type MutantWorld = Partial<Scenario>;

const SMALL: MutantWorld = {
  job: "wordCount",
  input: "posted",
  restarts: 0,
  startsElsewhere: false,
  drains: false,
  hasSink: false,
  hasLongPauses: false,
  sources: 1,
  partitions: 2,
  retained: 2,
  mode: "incremental",
  intervalMs: 1_000,
  minPauseMs: 0,
  timeoutMs: 10_000,
  tolerableFailures: 1_000,
  producers: 2,
  requestsPerProducer: 6,
  linesPerRequest: 10,
  sharedWords: 5,
  reads: 0,
  paddingBytes: 0,
  memoryBytes: 64 * 1024,
  compressed: false,
  alignmentTimeoutMs: null,
  rates: NO_FAULTS,
};

/** What the seed and the mutant make of a world together. */
export function mutantScenario(seed: number, world: MutantWorld): Scenario {
  return { ...scenarioOf(seed), ...SMALL, ...world };
}

export function faults(rates: Partial<FaultRates>): FaultRates {
  return { ...NO_FAULTS, ...rates };
}

/** Tables too large for a manifest. */
const UPLOADS: MutantWorld = { paddingBytes: 1_000 };

/** Calls and answers are lost, repeated and late. */
export const BAD_NETWORK: MutantWorld = {
  sources: 2,
  rates: faults({ lostCall: 0.05, lostAnswer: 0.08, repeatedCall: 0.05, slowCall: 0.05 }),
};

/** A receiver and its sender that disagree often about where they are. */
export const REPOSITIONS: MutantWorld = {
  requestsPerProducer: 12,
  rates: faults({ lostCall: 0.05, slowCall: 0.2 }),
};

/** Barriers of one checkpoint reach the partitions far apart from each other, and objects crash meanwhile. */
export const CRASHES_BETWEEN_BARRIERS: MutantWorld = {
  producers: 3,
  partitions: 3,
  requestsPerProducer: 12,
  rates: faults({ lostCall: 0.1, crashAtCall: 0.05 }),
};

/** Uploads keep a checkpoint pending for long after the first acknowledgement of it. */
export const CRASHES_DURING_SLOW_UPLOADS: MutantWorld = {
  ...UPLOADS,
  partitions: 3,
  requestsPerProducer: 12,
  timeoutMs: 60_000,
  rates: faults({ crash: 0.03, blobSlow: 0.4 }),
};

export const CRASHES_AND_UPLOADS: MutantWorld = {
  ...UPLOADS,
  rates: faults({ crash: 0.02, crashAtPoint: 0.05, crashAtCall: 0.02, lostAnswer: 0.2 }),
};

export const BAD_BUCKET: MutantWorld = {
  ...UPLOADS,
  rates: faults({ crash: 0.01, blobFailure: 0.2, blobIndeterminate: 0.1, blobSlow: 0.05 }),
};

/** Answers of acknowledgements that nobody hears, with one partition, whose own completes a checkpoint. */
export const CRASHES_AFTER_ACKNOWLEDGEMENTS: MutantWorld = {
  ...UPLOADS,
  partitions: 1,
  rates: faults({ lostAnswer: 0.3, crash: 0.05, crashAtPoint: 0.1 }),
};

/** One request, and crashes before anything is pumped. */
export const CRASHES_AFTER_THE_LAST_LINE: MutantWorld = {
  producers: 1,
  requestsPerProducer: 1,
  rates: faults({ crashAtPoint: 0.3 }),
};

/** Reads in the moments after a partition woke up, far above its last checkpoint. */
export const MANY_READS: MutantWorld = {
  partitions: 1,
  reads: 60,
  intervalMs: 10_000,
  rates: faults({ crash: 0.03, slowCall: 0.1 }),
};

export const NO_FAULT_AT_ALL: MutantWorld = {};

/** Compaction drops tables all the time, and the checkpoint before is the only one kept. */
export const ONE_RETAINED: MutantWorld = {
  ...UPLOADS,
  retained: 1,
  partitions: 3,
  requestsPerProducer: 12,
  memoryBytes: 16 * 1024,
};

/** Each checkpoint drops every table of the one before, which is still retained. */
export const FULL_CHECKPOINTS: MutantWorld = { ...UPLOADS, mode: "full" };

/** Frames wait for room in a small memory, barriers overtake them, and what they leave behind is restored. */
export const RESTORES_IN_FLIGHT: MutantWorld = {
  ...UPLOADS,
  sources: 2,
  partitions: 1,
  requestsPerProducer: 12,
  memoryBytes: 16 * 1024,
  alignmentTimeoutMs: 0,
  rates: faults({ crash: 0.05, blobSlow: 0.3, slowCall: 0.05 }),
};

export const REPOSITIONS_AND_CRASHES: MutantWorld = {
  rates: faults({ crash: 0.05, lostCall: 0.05 }),
};

/** Checkpoints that are given up while results wait for them. */
export const ABORTED_CHECKPOINTS: MutantWorld = {
  job: "bank",
  producers: 3,
  requestsPerProducer: 12,
  rates: faults({ lostCall: 0.3, slowCall: 0.3, crash: 0.01 }),
};

/** The word that a checkpoint completed reaches nobody. */
export const LOST_COMPLETIONS: MutantWorld = { ...ABORTED_CHECKPOINTS, job: "timers", sources: 2 };

/** A sink, and a coordinator that loses its memory. */
export const CRASHES_AND_SINKS: MutantWorld = {
  job: "bank",
  hasSink: true,
  requestsPerProducer: 12,
  rates: faults({ crash: 0.05, crashAtPoint: 0.05 }),
};

/** The job is stopped and started from checkpoints that are not the latest. */
export const STARTS_FROM_OLDER: MutantWorld = {
  retained: 3,
  restarts: 3,
  startsElsewhere: true,
  requestsPerProducer: 12,
};

/** A source that reads its input by itself, and loses its memory on the way. */
export const CRASHES_AND_OBJECTS: MutantWorld = {
  input: "objects",
  rates: faults({ crash: 0.03, crashAtPoint: 0.1, outsideFailure: 0.1 }),
};

export const CRASHES_AND_A_GENERATOR: MutantWorld = {
  input: "generator",
  generatorRate: 50,
  rates: faults({ crash: 0.03, crashAtPoint: 0.1 }),
};

/** Messages come again because nobody heard that they were taken. */
export const REPEATED_MESSAGES: MutantWorld = {
  input: "queue",
  rates: faults({ lostAnswer: 0.2, crash: 0.02 }),
};

/** Somebody outside is slow to answer, and memory is lost meanwhile. */
export const CRASHES_WHILE_RECORDS_WAIT: MutantWorld = {
  job: "enrichment",
  asynchronous: { order: "ordered", hasFallback: true },
  rates: faults({ crash: 0.05, outsideSlow: 0.2, outsideFailure: 0.2 }),
};

/** Two sources whose order shows, and attempts that are over while what they said is still on its way. */
export const LATE_ACKNOWLEDGEMENTS: MutantWorld = {
  job: "arrivalOrder",
  sources: 2,
  partitions: 4,
  producers: 4,
  requestsPerProducer: 12,
  rates: faults({ lastCall: 0.1 }),
};

/** Each loss of memory raises the generation while acknowledgements are on their way. */
export const OLDER_GENERATIONS: MutantWorld = {
  job: "sequenceCheck",
  sources: 2,
  producers: 4,
  requestsPerProducer: 12,
  rates: faults({ lastCall: 0.03, slowCall: 0.1 }),
};
