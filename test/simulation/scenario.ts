/**
 * What one seed simulates: the shape of the job, how much work there is, and which faults there are.
 * Plain data, so that a failing run can be made smaller and run again.
 */
import { SeededRandom } from "../support/seeded-random.ts";
import { type FaultKind, type FaultRates, NO_FAULTS } from "./faults.ts";
import { INPUT_KINDS, type InputKind } from "./fed-input.ts";
import { JOB_KINDS, type JobKind } from "./jobs/simulated-jobs.ts";

export interface Scenario {
  readonly seed: number;
  readonly job: JobKind;
  readonly sources: number;
  readonly partitions: number;
  readonly retained: number;
  readonly intervalMs: number;
  readonly minPauseMs: number;
  readonly timeoutMs: number;
  readonly tolerableFailures: number;
  readonly mode: "incremental" | "full";
  /** At least once: what a job comes to may only be more. Worlds of seeds are all exactly once. */
  readonly guarantee: "exactly-once" | "at-least-once";
  readonly producers: number;
  readonly requestsPerProducer: number;
  readonly linesPerRequest: number;
  /** The most live reads there may be. */
  readonly reads: number;
  /** Words that many lines share; every line also has a word of its own. */
  readonly sharedWords: number;
  /** Bytes by which the line's own word is made longer: what does not fit a manifest is uploaded. */
  readonly paddingBytes: number;
  /** Bytes of memory of each object's pool. */
  readonly memoryBytes: number;
  /** Tables are compressed: costs much and changes little. */
  readonly compressed: boolean;
  /** Event time: a source silent for so long is idle. */
  readonly idlenessMs: number;
  /** Event time: how long after its end a window still takes lines. */
  readonly allowedLatenessMs: number;
  /** How often the job is stopped and started again. */
  readonly restarts: number;
  /** Some of the stops drain the job, which ends event time. */
  readonly drains: boolean;
  /** Some of those starts are from older checkpoints or from empty state. */
  readonly startsElsewhere: boolean;
  /** Committed output also goes to an external sink, which fails at times. */
  readonly hasSink: boolean;
  /** Producers pause for hours. */
  readonly hasLongPauses: boolean;
  readonly rates: FaultRates;
  /** How long barriers wait before they overtake frames; null: they never do. */
  readonly alignmentTimeoutMs: number | null;
  /** Where the lines come from. */
  readonly input: InputKind;
  /** Lines a second that a generator makes; 0: as many as the log takes. */
  readonly generatorRate: number;
  /** How records go on that ask something outside. Without a fallback they become dead letters when nobody answers. */
  readonly asynchronous: {
    readonly order: "ordered" | "unordered";
    readonly hasFallback: boolean;
  };
}

/**
 * The largest rate of each fault; a run of thousands of events meets each of them many times. Last calls
 * there are in worlds made for them alone.
 */
const HIGHEST_RATES: Omit<FaultRates, "lastCall"> = {
  lostCall: 0.1,
  lostAnswer: 0.1,
  repeatedCall: 0.05,
  slowCall: 0.05,
  crash: 0.03,
  crashAtPoint: 0.1,
  crashAtCall: 0.02,
  zombie: 0.7,
  blobFailure: 0.2,
  blobIndeterminate: 0.1,
  blobDelayed: 0.1,
  blobSlow: 0.05,
  deploy: 0.003,
  outsideFailure: 0.4,
  outsideSlow: 0.2,
  blobThrottled: 0.1,
  blobBadSpell: 0.3,
};

/** The most of each. Most worlds are small: what goes wrong mostly shows in few events, and more of them can be run. */
interface Size {
  readonly sources: number;
  readonly partitions: number;
  readonly producers: number;
  readonly requests: number;
  readonly linesPerRequest: readonly number[];
  /** Below, every read of a block evicts the one that another reader stands on: a job falls behind for ever. */
  readonly leastMemoryBytes: number;
}

const SMALL: Size = {
  sources: 2,
  partitions: 3,
  producers: 2,
  requests: 5,
  linesPerRequest: [2, 10],
  leastMemoryBytes: 16 * 1024,
};
const MEDIUM: Size = {
  sources: 3,
  partitions: 4,
  producers: 3,
  requests: 12,
  linesPerRequest: [2, 10, 20],
  leastMemoryBytes: 64 * 1024,
};
const LARGE: Size = {
  sources: 3,
  partitions: 4,
  producers: 3,
  requests: 25,
  linesPerRequest: [10, 40],
  leastMemoryBytes: 256 * 1024,
};
const SIZES = [SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, MEDIUM, MEDIUM, MEDIUM, LARGE];

/** This many values of padding fit into memory. */
const LEAST_VALUES = 32;
/** Of any job: each has an engine in every partition. */
const MOST_VERTICES = 4;
/** An attempt of many vertices at the highest rates hardly ever ends: it meets as many faults at lower ones. */
const ALLROUND_SHARE = 1 / 3;
const LONG_TIMEOUT_MS = 60_000;
/** The product's own default. */
const LONGEST_TIMEOUT_MS = 600_000;
const NEVER_IDLE_MS = 30 * 24 * 3_600_000;

/** A new job here gives every seed another world. */
const SEEDED_JOBS = JOB_KINDS.filter((job) => job !== "arrivalOrder");

export function scenarioOf(seed: number): Scenario {
  const random = new SeededRandom(seed);
  const size = random.pick(SIZES);
  const job = random.chance(0.25) ? "wordCount" : random.pick(SEEDED_JOBS);
  const restarts = random.chance(0.3) ? random.between(1, 3) : 0;
  const drawn: Scenario = {
    seed,
    job,
    sources: random.between(1, size.sources),
    partitions: random.between(1, size.partitions),
    retained: random.between(1, 3),
    intervalMs: random.pick([0, 1_000, 3_000, 10_000]),
    minPauseMs: random.pick([0, 0, 500]),
    timeoutMs: random.pick([10_000, LONG_TIMEOUT_MS]),
    tolerableFailures: random.pick([0, 2, 1_000]),
    mode: random.chance(0.85) ? "incremental" : "full",
    guarantee: "exactly-once",
    producers: random.between(1, size.producers),
    requestsPerProducer: random.between(1, size.requests),
    linesPerRequest: random.pick(size.linesPerRequest),
    reads: 5,
    sharedWords: random.pick([1, 5, 40]),
    memoryBytes: random.pick([80 * 1024 * 1024, 1024 * 1024, 64 * 1024, 16 * 1024]),
    rates: scaled(ratesOf(random), job === "allround" ? ALLROUND_SHARE : 1),
    paddingBytes: random.pick([0, 0, 500, 3_000]),
    compressed: random.chance(0.1),
    alignmentTimeoutMs: random.pick([null, null, 0, 0, 20, 500]),
    idlenessMs: random.pick([NEVER_IDLE_MS, NEVER_IDLE_MS, 20_000, 5_000]),
    allowedLatenessMs: random.pick([0, 0, 3_000]),
    restarts,
    drains: restarts > 0 && random.chance(0.6),
    startsElsewhere: restarts > 0 && random.chance(0.5),
    hasSink: random.chance(0.2),
    hasLongPauses: random.chance(0.1),
    input: random.chance(0.6) ? "posted" : random.pick(INPUT_KINDS),
    generatorRate: random.pick([0, 5, 50]),
    asynchronous: {
      order: random.pick(["ordered", "unordered"]),
      hasFallback: random.chance(0.5),
    },
  };
  const memoryBytes = Math.max(drawn.memoryBytes, size.leastMemoryBytes);
  const paddingBytes = Math.min(drawn.paddingBytes, memoryBytes / LEAST_VALUES);
  // Where engines hold few values, what a barrier waits behind is read from the bucket one by one: ten seconds may
  // never be enough, nor a minute in a large world, and a job that tolerates no failure goes back for ever.
  const heldBytes = paddingBytes * LEAST_VALUES * drawn.partitions * MOST_VERTICES;
  const lines = drawn.producers * drawn.requestsPerProducer * drawn.linesPerRequest;
  const neededBytes = Math.max(heldBytes, paddingBytes * lines);
  const slowTimeoutMs = size === LARGE ? LONGEST_TIMEOUT_MS : LONG_TIMEOUT_MS;
  const timeoutMs = neededBytes > memoryBytes ? slowTimeoutMs : drawn.timeoutMs;
  return { ...drawn, memoryBytes, paddingBytes, timeoutMs };
}

/** No faults at all in one run of ten; otherwise each kind is there or not, at a rate of its own. */
function ratesOf(random: SeededRandom): FaultRates {
  if (random.chance(0.1)) return NO_FAULTS;
  const kinds = Object.keys(HIGHEST_RATES) as readonly (keyof typeof HIGHEST_RATES)[];
  const rates = kinds.map((kind): [FaultKind, number] => {
    const rate = HIGHEST_RATES[kind] * random.next();
    return [kind, random.chance(0.5) ? rate : 0];
  });
  return { ...NO_FAULTS, ...(Object.fromEntries(rates) as Partial<FaultRates>) };
}

function scaled(rates: FaultRates, share: number): FaultRates {
  if (share === 1) return rates;
  const entries = Object.entries(rates).map(([kind, rate]) => [kind, rate * share]);
  return { ...NO_FAULTS, ...(Object.fromEntries(entries) as Partial<FaultRates>) };
}
