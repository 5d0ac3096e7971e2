/**
 * How often and how long an asynchronous request is tried: pure decisions for the runtime that
 * executes them. Strategies and predicates are those of Flink's AsyncRetryStrategy.
 */
export interface AsyncPolicy {
  /** Records of a partition that may wait at once; beyond it the partition takes no more. Default 100. */
  readonly capacity: number;
  /** For one attempt, ms. What takes longer has failed, and its signal is aborted. Default 30,000. */
  readonly timeoutMs: number;
  readonly retry: RetryStrategy;
  /** Which errors are worth another attempt; absent: all. */
  readonly retryIfError?: (error: unknown) => boolean;
  /** Which results are to be tried again: not there yet. The last attempt's result counts. Absent: none. */
  readonly retryIfResult?: (values: readonly unknown[]) => boolean;
}

/** What became of one attempt. */
export type Attempt =
  | { readonly kind: "result"; readonly values: readonly unknown[] }
  | { readonly kind: "error"; readonly error: unknown };

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
  /** It ends with what the last attempt brought. */
  | { readonly kind: "giveUp" };

/** Whether the policy wants another attempt after this one, and decideAttempt has the say. */
export function isWorthRetrying(
  { retryIfError, retryIfResult }: Pick<AsyncPolicy, "retryIfError" | "retryIfResult">,
  attempt: Attempt,
): boolean {
  if (attempt.kind === "error") return retryIfError?.(attempt.error) ?? true;
  return retryIfResult?.(attempt.values) ?? false;
}

/** What to do after the attempt with this number (from 1) has failed or timed out. */
export function decideAttempt(
  { retry }: Pick<AsyncPolicy, "retry">,
  failedAttempt: number,
): AttemptDecision {
  if (retry.kind === "none" || failedAttempt >= retry.attempts) return { kind: "giveUp" };
  if (retry.kind === "fixed") return { kind: "retry", delayMs: retry.delayMs };
  const delayMs = retry.initialDelayMs * retry.multiplier ** (failedAttempt - 1);
  return { kind: "retry", delayMs: Math.min(delayMs, retry.maxDelayMs) };
}

/** Fills in and checks what a user left open. */
export function resolveAsyncPolicy(uid: string, options: Partial<AsyncPolicy>): AsyncPolicy {
  const { capacity = 100, timeoutMs = 30_000, retry = { kind: "none" } } = options;
  const { retryIfError, retryIfResult } = options;
  checkCount(uid, "capacity", capacity);
  checkCount(uid, "timeoutMs", timeoutMs);
  checkRetry(uid, retry);
  return {
    capacity,
    timeoutMs,
    retry,
    ...(retryIfError !== undefined && { retryIfError }),
    ...(retryIfResult !== undefined && { retryIfResult }),
  };
}

function checkRetry(uid: string, retry: RetryStrategy): void {
  switch (retry.kind) {
    case "none":
      return;
    case "fixed":
      checkCount(uid, "retry.attempts", retry.attempts);
      checkCount(uid, "retry.delayMs", retry.delayMs);
      return;
    case "exponential":
      checkCount(uid, "retry.attempts", retry.attempts);
      checkCount(uid, "retry.initialDelayMs", retry.initialDelayMs);
      checkCount(uid, "retry.maxDelayMs", retry.maxDelayMs);
      if (retry.multiplier >= 1) return;
      throw new RangeError(
        `Option "retry.multiplier" of mapAsync "${uid}" is ${retry.multiplier}. Write a number, at least 1.`,
      );
  }
}

function checkCount(uid: string, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Option "${name}" of mapAsync "${uid}" is ${value}. Write a whole number, at least 1.`,
    );
  }
}
