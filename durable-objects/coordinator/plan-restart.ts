/**
 * What a failure of the job leads to, by its restart strategy. Pure.
 *
 * Sources: Flink 2, ExponentialDelayRestartBackoffTimeStrategy (the delay is multiplied by each failure
 * up to a maximum, jittered by ±jitterFactor, and starts over after a quiet time),
 * FixedDelayRestartBackoffTimeStrategy, FailureRateRestartBackoffTimeStrategy and
 * NoRestartBackoffTimeStrategy.
 */
import type {
  ExponentialDelayRestart,
  FailureRateRestart,
  FixedDelayRestart,
  RestartOptions,
} from "../../dataflow/job-options.ts";
import type { RestartState } from "./job-record.ts";

/** A line of a log, or what else says that it is the same record: an operator and a key. */
export type FailedRecord =
  | { readonly source: number; readonly line: number }
  | { readonly operator: string; readonly key: string };

export interface RestartFacts {
  readonly now: number;
  readonly options: RestartOptions;
  readonly state: RestartState;
  /** The record that failed, when known. */
  readonly record?: FailedRecord;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export type RestartPlan =
  | { readonly kind: "restart"; readonly delayMs: number; readonly state: RestartState }
  /** The strategy allows no further restart. */
  | { readonly kind: "fail"; readonly state: RestartState };

export function planRestart(facts: RestartFacts): RestartPlan {
  const { options } = facts;
  switch (options.strategy) {
    case "exponential-delay":
      return exponentialDelay(facts, options);
    case "fixed-delay":
      return fixedDelay(facts, options);
    case "failure-rate":
      return failureRate(facts, options);
    case "none":
      return { kind: "fail", state: { ...facts.state, lastFailureAt: facts.now } };
  }
}

/**
 * After a failure at a line that will be given up in the end: it is tried again with the strategy's
 * delay, and its number of attempts is its own limit. Once it is given up nothing stands in the way.
 */
export function planAfterLine(
  { options, state }: Pick<RestartFacts, "options" | "state">,
  verdict: { readonly kind: "retry"; readonly failures: number } | { readonly kind: "givenUp" },
): RestartPlan {
  const delayMs = verdict.kind === "givenUp" ? 0 : delayAfter(options, verdict.failures);
  return { kind: "restart", delayMs, state };
}

function delayAfter(options: RestartOptions, failures: number): number {
  switch (options.strategy) {
    case "exponential-delay": {
      const { initialBackoffMs, backoffMultiplier, maxBackoffMs } = options;
      return Math.round(
        Math.min(maxBackoffMs, initialBackoffMs * backoffMultiplier ** (failures - 1)),
      );
    }
    case "fixed-delay":
    case "failure-rate":
      return options.delayMs;
    case "none":
      return 0;
  }
}

function exponentialDelay(facts: RestartFacts, options: ExponentialDelayRestart): RestartPlan {
  const { now, record, state } = facts;
  const poison = record && {
    ...record,
    failures: isSame(record, state.poison) ? state.poison.failures + 1 : 1,
  };
  const quiet = now - state.lastFailureAt >= options.resetBackoffThresholdMs + state.backoffMs;
  const backoffMs =
    quiet || state.backoffMs === 0
      ? options.initialBackoffMs
      : Math.min(options.maxBackoffMs, state.backoffMs * options.backoffMultiplier);
  const next: RestartState = {
    inARow: state.inARow + 1,
    backoffMs,
    lastFailureAt: now,
    ...(poison !== undefined && { poison }),
  };
  if (next.inARow > options.attempts || (poison?.failures ?? 0) > options.attempts) {
    return { kind: "fail", state: next };
  }
  const jitter = backoffMs * options.jitterFactor * (facts.random * 2 - 1);
  return { kind: "restart", delayMs: Math.round(backoffMs + jitter), state: next };
}

function isSame(
  record: FailedRecord,
  poison: RestartState["poison"],
): poison is NonNullable<RestartState["poison"]> {
  if (poison === undefined) return false;
  if ("line" in record) {
    return "line" in poison && poison.source === record.source && poison.line === record.line;
  }
  return "key" in poison && poison.operator === record.operator && poison.key === record.key;
}

/** `attempts` restarts since the job was started by hand, however far apart. */
function fixedDelay({ now, state }: RestartFacts, options: FixedDelayRestart): RestartPlan {
  const failures = (state.failures ?? 0) + 1;
  const next: RestartState = { ...state, failures, lastFailureAt: now };
  if (failures > options.attempts) return { kind: "fail", state: next };
  return { kind: "restart", delayMs: options.delayMs, state: next };
}

/** Fails with the first failure that makes more than the allowed number within one interval. */
function failureRate({ now, state }: RestartFacts, options: FailureRateRestart): RestartPlan {
  const recent = (state.recentFailures ?? []).filter(
    (failedAt) => now - failedAt < options.failureRateIntervalMs,
  );
  recent.push(now);
  const next: RestartState = { ...state, recentFailures: recent, lastFailureAt: now };
  if (recent.length > options.maxFailuresPerInterval) return { kind: "fail", state: next };
  return { kind: "restart", delayMs: options.delayMs, state: next };
}
