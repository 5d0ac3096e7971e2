/**
 * The blobs of a job as they are stored, for whoever opens a checkpoint by itself: the dashboard and the
 * weir command. The manifests name them (`GET /jobs/{job}/checkpoints/{id}/manifest`).
 *
 * Promise: one range per request as in RFC 9110, section 14; what a path names never changes, so an answer
 * may be cached for ever. One operation on the bucket per answer, two when there is nothing to answer; no
 * object of the job is woken.
 */
import { z } from "@hono/zod-openapi";
import type { RouteConfig } from "@hono/zod-openapi";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { notFound, ProblemError } from "./problem.ts";
import { clipRange, parseRangeHeader } from "./range-header.ts";
import type { RequestedRange } from "./range-header.ts";
import { jobParameter, problems, reachJob } from "./routing.ts";
import type { WeirApp } from "./routing.ts";

export function addBlobRoutes(app: WeirApp, jobs: JobRegistry): void {
  app.openAPIRegistry.registerPath(readBlob);
  // Registered apart, because no parameter of the document's paths holds slashes.
  app.get("/jobs/:job/blobs/:path{.+}", async (context) => {
    const { job, path } = context.req.param();
    const { bucket, graph } = reachJob(jobs, job, context.env);
    // The bucket may hold other jobs, and other things than Weir's.
    const isOfJob = path.startsWith(`${graph.options.checkpoint.storagePrefix}${graph.name}/`);
    if (!isOfJob) throw noSuchBlob(path);
    if (context.req.method === "HEAD") {
      const head = await bucket.head(path);
      if (head === null) throw noSuchBlob(path);
      return new Response(null, { headers: headersOf(head, head.size) });
    }
    const range = parseRangeHeader(context.req.header("Range"));
    if (range !== undefined) return await readRange(bucket, path, range);
    const object = await bucket.get(path);
    if (object === null) throw noSuchBlob(path);
    return new Response(object.body, { headers: headersOf(object, object.size) });
  });
}

async function readRange(bucket: R2Bucket, path: string, range: RequestedRange): Promise<Response> {
  try {
    const object = await bucket.get(path, { range });
    if (object === null) throw noSuchBlob(path);
    const part = clipRange(range, object.size);
    if (part === undefined) throw unsatisfiable(path, object.size);
    const headers = headersOf(object, part.length);
    const last = part.offset + part.length - 1;
    headers.set("Content-Range", `bytes ${part.offset}-${last}/${object.size}`);
    return new Response(object.body, { status: 206, headers });
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // R2 fails when a range begins at or beyond the end.
    const head = await bucket.head(path);
    if (head === null) throw noSuchBlob(path);
    if (clipRange(range, head.size) === undefined) throw unsatisfiable(path, head.size);
    throw error;
  }
}

function headersOf({ httpEtag }: R2Object, length: number): Headers {
  return new Headers({
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Length": String(length),
    "Content-Type": "application/octet-stream",
    ETag: httpEtag,
    // A browser's cache must not answer whoever has no token.
    Vary: "Authorization",
  });
}

function noSuchBlob(path: string): ProblemError {
  return notFound(
    "No such blob",
    `This job has no blob ${JSON.stringify(path)}: manifests list them.`,
  );
}

function unsatisfiable(path: string, size: number): ProblemError {
  const detail = `The range begins beyond the end of ${path}, which has ${size} bytes.`;
  return new ProblemError({
    status: 416,
    title: "Range not satisfiable",
    detail,
    members: { size },
  });
}

const bytesOfBlob = {
  description: "The bytes",
  content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
} as const;

const readBlob = {
  method: "get",
  path: "/jobs/{job}/blobs/{path}",
  summary: "One blob of the job as it is stored, or one range of it",
  request: {
    params: jobParameter.extend({
      path: z.string().openapi({
        param: { name: "path", in: "path" },
        description: "As a manifest has it, with its slashes",
      }),
    }),
    headers: z.object({ range: z.string().optional().openapi({ example: "bytes=0-16383" }) }),
  },
  responses: {
    200: bytesOfBlob,
    206: bytesOfBlob,
    ...problems({ 404: "No such job or blob", 416: "The range begins beyond the end" }),
  },
} satisfies RouteConfig;
