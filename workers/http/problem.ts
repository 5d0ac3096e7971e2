/**
 * Errors of the HTTP API as RFC 9457 problem details.
 *
 * Promise: whatever goes wrong in a handler becomes `application/problem+json` with `type`, `title`,
 * `status` and a `detail` that says what to do; 429 and 503 carry Retry-After. What is our own bug is
 * logged and answered 500 without its insides.
 */
import type { JsonValue } from "../../durable-objects/coordinator-queries.ts";

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfterSeconds?: number;
  /** Members of its own, as the contract names them. */
  readonly members?: Readonly<Record<string, JsonValue>>;
}

export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem, options?: { readonly cause?: unknown }) {
    super(problem.detail, options);
    this.problem = problem;
  }
}

export function problemResponse(problem: Problem): Response {
  const { status, retryAfterSeconds } = problem;
  const headers = new Headers({ "Content-Type": "application/problem+json" });
  if (retryAfterSeconds !== undefined) {
    headers.set("Retry-After", String(Math.max(1, Math.ceil(retryAfterSeconds))));
  }
  return new Response(JSON.stringify(problemDetails(problem)), { status, headers });
}

/** The problem as RFC 9457 writes it. */
export function problemDetails({ status, title, detail, members }: Problem) {
  return { type: typeOf(title), title, status, detail, ...members };
}

/** The answer to anything a handler threw. */
export function responseToError(error: unknown): Response {
  if (error instanceof ProblemError) return problemResponse(error.problem);
  if (isPassing(error)) return problemResponse(passingProblem);
  // oxlint-disable-next-line no-console
  console.error("A request failed for a reason nobody foresaw.", error);
  return problemResponse({
    status: 500,
    title: "Internal error",
    detail: "Weir failed to answer this request; the Worker's log says why.",
  });
}

export const passingProblem: Problem = {
  status: 503,
  title: "Unavailable",
  detail: "A Durable Object of the job could not be reached just now: send the request again.",
  retryAfterSeconds: 1,
};

/** The platform marks errors of its own; they say that another attempt may succeed. */
export function isPassing(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = (error ?? {}) as Record<string, unknown>;
  return retryable === true || overloaded === true || durableObjectReset === true;
}

/** `reason`: why no object of the job is where the deployed job would look, and what to do. */
export function storageMoved(reason: string): ProblemError {
  return new ProblemError({
    status: 503,
    title: "Storage moved",
    detail: reason,
    retryAfterSeconds: 60,
    members: { jobStatus: "FAILED" },
  });
}

export function notFound(title: string, detail: string): ProblemError {
  return new ProblemError({ status: 404, title, detail });
}

/** "Line too long" is `urn:weir:problem:line-too-long`. */
function typeOf(title: string): string {
  return `urn:weir:problem:${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}
