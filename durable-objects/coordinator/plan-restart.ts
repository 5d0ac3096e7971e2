/**
 * What a failure of the job leads to: Flink's exponential-delay restart strategy, and its end. Pure.
 *
 * Source: Flink 2, ExponentialDelayRestartBackoffTimeStrategy: the delay is multiplied by each
 * failure up to a maximum, jittered by ±jitterFactor, and starts over after a quiet time.
 */
import type { RestartOptions } from "../../dataflow/job-graph.ts";
import type { RestartState } from "./job-record.ts";

export interface RestartFacts {
  readonly now: number;
  readonly options: RestartOptions;
  readonly state: RestartState;
  /** The record that failed, when known. */
  readonly record?: { readonly source: number; readonly line: number };
  /** Uniform in [0, 1). */
  readonly random: number;
}

export type RestartPlan =
  | { readonly kind: "restart"; readonly delayMs: number; readonly state: RestartState }
  /** Failures in a row at one record, or restarts in a row without a completed checkpoint, exceeded `attempts`. */
  | { readonly kind: "fail"; readonly state: RestartState };

export function planRestart(facts: RestartFacts): RestartPlan {
  const { options, state, now, record } = facts;
  const poison = record && {
    ...record,
    failures:
      state.poison?.source === record.source && state.poison.line === record.line
        ? state.poison.failures + 1
        : 1,
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
