/**
 * POST and WebSocket of /jobs/{job}/lines: headers in, the contract's answers out.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { feedsOf, takesPostedLines } from "../../dataflow/feeds/feed.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { ingestBody } from "../ingest/ingest-body.ts";
import type { IngestRequest } from "../ingest/ingest-body.ts";
import { acceptLinesSocket } from "../ingest/lines-socket.ts";
import type { Producer } from "../ingest/segment-appender.ts";
import { ProblemError, problemResponse } from "./problem.ts";
import { addRoute, jobParameter, problems, reachJob } from "./routing.ts";
import type { ReachableJob, WeirApp } from "./routing.ts";

export function addIngestRoutes(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, postLines, async (context) => {
    const job = reachFedJob(jobs, context.req.param("job"), context.env);
    const { headers, body } = context.req.raw;
    const result = await ingestBody(job, { body, ...ingestHeaders(headers) });
    if (result.kind === "problem") return problemResponse(result.problem);
    return context.json({ accepted: result.accepted, duplicate: result.duplicate });
  });
  addRoute(app, openLinesSocket, async (context) => {
    const job = reachFedJob(jobs, context.req.param("job"), context.env);
    const { headers } = context.req.raw;
    if (headers.get("Upgrade")?.toLowerCase() !== "websocket") {
      throw new ProblemError({
        status: 426,
        title: "Upgrade required",
        detail: "POST lines to this path, or open a WebSocket on it.",
      });
    }
    const producer = producerOf(headers);
    return acceptLinesSocket(job, producer);
  });
}

/** Throws the 404 of the contract, or 405 for a job whose lines come from elsewhere. */
function reachFedJob(jobs: JobRegistry, name: string, bindings: WeirBindings): ReachableJob {
  const job = reachJob(jobs, name, bindings);
  if (takesPostedLines(job.graph)) return job;
  const feeds = feedsOf(job.graph).map((feed) => feed.name);
  throw new ProblemError({
    status: 405,
    title: "Job takes no posted lines",
    detail:
      `The lines of job "${name}" come from ${feeds.join(", ")}. ` +
      `Add postedLines() to its from(...) to post lines as well.`,
    members: { accepted: 0 },
  });
}

/** Throws the 400 or 415 of the contract. */
function ingestHeaders(headers: Headers): Omit<IngestRequest, "body"> {
  const encoding = headers.get("Content-Encoding")?.toLowerCase() ?? "identity";
  if (encoding !== "gzip" && encoding !== "identity") {
    throw new ProblemError({
      status: 415,
      title: "Content-Encoding not supported",
      detail: `The body is encoded as "${encoding}": send it plain or as gzip.`,
      members: { accepted: 0 },
    });
  }
  const producer = producerOf(headers);
  const contentLength = headers.get("Content-Length");
  return {
    isGzip: encoding === "gzip",
    ...(contentLength !== null && { contentLength: Number(contentLength) }),
    ...(producer && { producer }),
  };
}

function producerOf(headers: Headers): Producer | undefined {
  const id = headers.get("Producer-Id");
  const sequence = headers.get("Producer-Sequence");
  if (id === null && sequence === null) return undefined;
  if (id === null || !/^[A-Za-z0-9._-]{1,128}$/.test(id)) {
    throw badHeader('Producer-Id must be 1 to 128 of A-Z, a-z, 0-9, ".", "_" and "-".');
  }
  if (sequence === null || !/^\d{1,15}$/.test(sequence)) {
    throw badHeader("Producer-Sequence must be a whole number, rising by one per request from 0.");
  }
  return { id, sequence: Number(sequence) };
}

function badHeader(detail: string): ProblemError {
  return new ProblemError({
    status: 400,
    title: "Bad producer header",
    detail: `${detail} Send both headers or neither.`,
    members: { accepted: 0 },
  });
}

const producerHeaders = z.object({
  "producer-id": z.string().optional().openapi({ description: "1 to 128 of A-Za-z0-9._-" }),
  "producer-sequence": z
    .string()
    .optional()
    .openapi({ description: "Whole number, rising by one per request from 0" }),
});

const postLines = createRoute({
  method: "post",
  path: "/jobs/{job}/lines",
  summary: "Append lines to the job's log",
  description:
    "UTF-8, one record a line, streamed; empty lines are skipped. At most 100 MiB after decompression, " +
    "a line at most 1 MiB. With the producer headers a request can be repeated without adding a line twice.",
  request: {
    params: jobParameter,
    headers: producerHeaders,
  },
  responses: {
    200: {
      description: "All lines are durable",
      content: {
        "application/json": {
          schema: z.object({ accepted: z.number().int(), duplicate: z.boolean() }),
        },
      },
    },
    ...problems({
      400: "Not UTF-8, bad header, broken gzip",
      404: "No such job",
      405: "The job's lines come from elsewhere",
      409: "The sequence skips ahead",
      413: "A line over 1 MiB, or the body over the limit",
      415: "Content-Encoding other than gzip",
      429: "The log is full",
      503: "The job takes no lines now",
    }),
  },
});

const openLinesSocket = createRoute({
  method: "get",
  path: "/jobs/{job}/lines",
  summary: "Append lines over a WebSocket",
  description:
    "Each message holds lines and is answered by {accepted, sequence} once they are durable, in order.",
  request: { params: jobParameter, headers: producerHeaders },
  responses: {
    101: { description: "Switching protocols" },
    ...problems({ 404: "No such job", 426: "Not a WebSocket upgrade" }),
  },
});
