/** Every job that simulated worlds run, by its name in a scenario. */
import type { Scenario } from "../scenario.ts";
import { aggregates } from "./aggregates.ts";
import { bank } from "./bank.ts";
import { broadcastRules } from "./broadcast-rules.ts";
import { countOfCounts } from "./count-of-counts.ts";
import { diamond } from "./diamond.ts";
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
} as const;

export type JobKind = keyof typeof JOBS;

export const JOB_KINDS = Object.keys(JOBS) as readonly JobKind[];

/** Those in event time: one producer for each source. */
export const TIMED_JOBS: ReadonlySet<JobKind> = new Set(["sessions", "intervalJoin", "timers"]);

export function simulatedJob(scenario: Scenario): SimulatedJob {
  return JOBS[scenario.job](scenario);
}
