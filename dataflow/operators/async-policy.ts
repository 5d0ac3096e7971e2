/**
 * How often and how long an asynchronous request is tried: pure decisions for the runtime that
 * executes them.
 */
export interface AsyncPolicy {
  /** Records of a partition that may wait at once; beyond it the partition takes no more. Default 100. */
  readonly capacity: number;
  /** For one attempt, ms. Default 30,000. */
  readonly timeoutMs: number;
  readonly retry: RetryStrategy;
}

/** Flink's fixed-delay and exponential-backoff strategies. */
export type RetryStrategy =
  | { readonly kind: "none" }
  | { readonly kind: "fixed"; readonly attempts: number; readonly delayMs: number }
  | {
      readonly kind: "exponential";
      readonly attempts: number;
      readonly initialDelayMs: number;
      readonly maxDelayMs: number;
      readonly multiplier: number;
    };

export type AttemptDecision =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "giveUp" };

/** What to do after the attempt with this number (from 1) has failed or timed out. */
export function decideAttempt({ retry }: AsyncPolicy, failedAttempt: number): AttemptDecision {
  if (retry.kind === "none" || failedAttempt >= retry.attempts) return { kind: "giveUp" };
  if (retry.kind === "fixed") return { kind: "retry", delayMs: retry.delayMs };
  const delayMs = retry.initialDelayMs * retry.multiplier ** (failedAttempt - 1);
  return { kind: "retry", delayMs: Math.min(delayMs, retry.maxDelayMs) };
}

/** Fills in and checks what a user left open. */
export function resolveAsyncPolicy(uid: string, options: Partial<AsyncPolicy>): AsyncPolicy {
  const { capacity = 100, timeoutMs = 30_000, retry = { kind: "none" } } = options;
  checkCount(uid, "capacity", capacity);
  checkCount(uid, "timeoutMs", timeoutMs);
  if (retry.kind !== "none") checkCount(uid, "retry.attempts", retry.attempts);
  return { capacity, timeoutMs, retry };
}

function checkCount(uid: string, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Option "${name}" of mapAsync "${uid}" is ${value}. Write a whole number, at least 1.`,
    );
  }
}
