/** Every job that simulated worlds run, by its name in a scenario, and what feeds it. */
import type { Stream } from "../../../dataflow/job.ts";
import { FedInput, inputStream } from "../fed-input.ts";
import { type Outside, nothingOutside } from "../outside.ts";
import type { Scenario } from "../scenario.ts";
import { aggregates } from "./aggregates.ts";
import { allround } from "./allround.ts";
import { arrivalOrder } from "./arrival-order.ts";
import { bank } from "./bank.ts";
import { broadcastRules } from "./broadcast-rules.ts";
import { countOfCounts } from "./count-of-counts.ts";
import { diamond } from "./diamond.ts";
import { enrichment } from "./enrichment.ts";
import { intervalJoin } from "./interval-join.ts";
import { sequenceCheck } from "./sequence-check.ts";
import { sessions } from "./session-windows.ts";
import type { SimulatedJob } from "./simulated-job.ts";
import { stateMachine } from "./state-machine.ts";
import { timers } from "./timers.ts";
import { wordCount } from "./word-count.ts";

const JOBS = {
  wordCount,
  countOfCounts,
  diamond,
  sessions,
  intervalJoin,
  broadcastRules,
  timers,
  sequenceCheck,
  stateMachine,
  bank,
  aggregates,
  enrichment,
  arrivalOrder,
  allround,
} as const satisfies Record<string, CreateJob>;

type CreateJob = (scenario: Scenario, input: Stream<string>, outside: Outside) => SimulatedJob;

export type JobKind = keyof typeof JOBS;

export const JOB_KINDS = Object.keys(JOBS) as readonly JobKind[];

/** Those in event time: one producer for each source. */
export const TIMED_JOBS: ReadonlySet<JobKind> = new Set([
  "sessions",
  "intervalJoin",
  "timers",
  "allround",
]);

/** Those that come to the same in whatever order lines enter a log. */
export const ORDERLESS_JOBS: ReadonlySet<JobKind> = new Set([
  "wordCount",
  "countOfCounts",
  "diamond",
  "bank",
]);

export interface FedJob extends SimulatedJob {
  /** What its feeds read, if it has other feeds than clients who post. */
  readonly fed: FedInput;
}

/** `outside`: what the job's functions ask. Default: a job that runs nowhere, and asks nothing. */
export function simulatedJob(scenario: Scenario, outside: Outside = nothingOutside): FedJob {
  const closingLines = TIMED_JOBS.has(scenario.job) ? 1 : 0;
  const fed = new FedInput(scenario, closingLines, (index, random) => job.producer(index, random));
  const job = JOBS[scenario.job](scenario, inputStream(scenario, fed), outside);
  return { ...job, fed };
}
