/**
 * From a body to the log: which source a producer's lines go to, and what a request's fate is called
 * in HTTP. The table of answers is part of the public contract.
 */
import { sourceOfProducer } from "../../durable-objects/source-of-producer.ts";
import type { Problem } from "../http/problem.ts";
import type { ReachableJob } from "../http/routing.ts";
import { BodyError, segmentsOf } from "./body-segments.ts";
import type { BodyDamage } from "./body-segments.ts";
import { SegmentAppender } from "./segment-appender.ts";
import type { AppendOutcome, Producer } from "./segment-appender.ts";

/** As much as the platform lets through to a Worker on its smaller plans. Also holds after decompression. */
export const BODY_LIMIT_BYTES = 100 * 1024 * 1024;

export interface IngestRequest {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly isGzip: boolean;
  /** Of the body as sent, when known. */
  readonly contentLength?: number;
  readonly producer?: Producer;
}

export type IngestResult =
  | { readonly kind: "accepted"; readonly accepted: number; readonly duplicate: boolean }
  | { readonly kind: "problem"; readonly problem: Problem };

export async function ingestBody(job: ReachableJob, request: IngestRequest): Promise<IngestResult> {
  const { producer, contentLength } = request;
  if ((contentLength ?? 0) > BODY_LIMIT_BYTES) {
    return { kind: "problem", problem: damageProblem(new BodyError("bodyTooLarge", 1), 0) };
  }
  const source = job.peers.source(sourceOf(producer?.id, job.graph.options.sources));
  const appender = new SegmentAppender(source, producer);
  const damage = await appendBody(appender, request);
  return resultOf(await appender.finish(), damage);
}

/** The same producer always meets the same source [12]; an anonymous request any. */
export function sourceOf(producerId: string | undefined, sources: number): number {
  if (producerId === undefined) return Math.floor(Math.random() * sources);
  return sourceOfProducer(producerId, sources);
}

async function appendBody(
  appender: SegmentAppender,
  request: IngestRequest,
): Promise<BodyError | undefined> {
  try {
    for await (const segment of segmentsOf(streamOf(request), optionsOf(request))) {
      if (!(await appender.append(segment))) return undefined;
    }
    return undefined;
  } catch (error) {
    if (error instanceof BodyError) return error;
    throw error;
  }
}

function streamOf({ body, isGzip }: IngestRequest): ReadableStream<Uint8Array> {
  if (body === null) return new Blob([]).stream();
  return isGzip ? body.pipeThrough(new DecompressionStream("gzip")) : body;
}

function optionsOf({ isGzip, contentLength }: IngestRequest) {
  const expectedBytes = isGzip ? undefined : contentLength;
  return {
    bodyLimitBytes: BODY_LIMIT_BYTES,
    ...(expectedBytes !== undefined && { expectedBytes }),
  };
}

/** Pure: a refusal by the source outweighs damage further down the body. */
export function resultOf(outcome: AppendOutcome, damage: BodyError | undefined): IngestResult {
  const { accepted, duplicate, refusal } = outcome;
  if (refusal !== undefined) return { kind: "problem", problem: refusalProblem(refusal, accepted) };
  if (damage !== undefined && !duplicate) {
    return { kind: "problem", problem: damageProblem(damage, accepted) };
  }
  return { kind: "accepted", accepted, duplicate };
}

function refusalProblem(refusal: NonNullable<AppendOutcome["refusal"]>, accepted: number): Problem {
  switch (refusal.kind) {
    case "sequenceGap": {
      const { expectedSequence } = refusal;
      return {
        status: 409,
        title: "Sequence skips ahead",
        detail: `The next Producer-Sequence of this producer is ${expectedSequence}: send that request first.`,
        members: { expectedSequence, accepted },
      };
    }
    case "full":
      return {
        status: 429,
        title: "Log full",
        detail: "The job cannot keep up with its input: send the rest of the lines later.",
        retryAfterSeconds: refusal.retryAfterSeconds,
        members: { accepted },
      };
    case "unavailable":
      return {
        status: 503,
        title: "Job unavailable",
        detail: `The job is ${refusal.status} and takes no lines: send them again later.`,
        retryAfterSeconds: refusal.retryAfterSeconds,
        members: { accepted, jobStatus: refusal.status },
      };
    case "unreachable":
      return {
        status: 503,
        title: "Outcome unknown",
        detail:
          "The source could not be reached, or did not answer: send the request again. " +
          "With Producer-Id and Producer-Sequence no line is added twice.",
        retryAfterSeconds: 1,
        members: { accepted },
      };
  }
}

function damageProblem({ damage, line }: BodyError, accepted: number): Problem {
  return { ...damages[damage](line), members: { accepted, line } };
}

const stays = "The lines before it are in; a Producer-Sequence stays open for the corrected rest.";

const damages: Record<BodyDamage, (line: number) => Omit<Problem, "members">> = {
  lineTooLong: (line) => ({
    status: 413,
    title: "Line too long",
    detail: `Line ${line} has more than 1 MiB (1,048,576 bytes). ${stays}`,
  }),
  bodyTooLarge: (line) => ({
    status: 413,
    title: "Body too large",
    detail: `The body exceeds 100 MiB at line ${line}: send it in several requests. ${stays}`,
  }),
  notUtf8: (line) => ({
    status: 400,
    title: "Not UTF-8",
    detail: `Line ${line} is not valid UTF-8. ${stays}`,
  }),
  unreadable: (line) => ({
    status: 400,
    title: "Body cut short",
    detail:
      `The body ended or broke after line ${line - 1}: it was cut, or is not what Content-Encoding says. ` +
      `Lines that were read whole are in; a Producer-Sequence stays open for the rest.`,
  }),
};
