/**
 * Output over HTTP: committed results as pages of NDJSON; results and commits as they happen.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { sinksIn } from "../../dataflow/consumers.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { Topology } from "../../durable-objects/coordinator-queries.ts";
import type { TaskId } from "../../durable-objects/messages.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { liveOutput } from "../output/live-output.ts";
import { decodeOutputCursor } from "../output/output-cursor.ts";
import { readOutputPage } from "../output/output-page.ts";
import { addRoute, jobParameter, problems, reachJob } from "./routing.ts";
import type { WeirApp } from "./routing.ts";

export function addOutputRoutes(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, readOutput, async (context) => {
    const { bucket, peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { after, cursor, limit } = context.req.valid("query");
    const blobStore = new R2BlobStore(bucket);
    const { body, next } = await readOutputPage(peers.coordinator(), blobStore, {
      limit,
      ...(after !== undefined && { after }),
      ...(cursor !== undefined && { from: decodeOutputCursor(cursor) }),
    });
    const headers = new Headers({ "Content-Type": "application/x-ndjson" });
    if (next !== undefined) headers.set("Next-Cursor", next);
    return new Response(body, { headers });
  });
  addRoute(app, followOutput, async (context) => {
    const { graph, peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { after } = context.req.valid("query");
    const seen = Number(context.req.header("Last-Event-ID") ?? Number.NaN);
    const coordinator = peers.coordinator();
    // Without a place to begin at, what is committed already is not news.
    const begin = Number.isSafeInteger(seen) ? seen : after;
    const latest = begin ?? (await coordinator.latestCheckpoint());
    const tasks = tasksWithOutput(graph, await coordinator.topology());
    const partitions = tasks.map((task) => peers.partition(task));
    return new Response(liveOutput(coordinator, partitions, latest), {
      headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" },
    });
  });
}

/** The partitions of every vertex whose results are output. */
function tasksWithOutput({ vertices }: JobGraph, { parallelism }: Topology): readonly TaskId[] {
  return vertices
    .filter(
      ({ results, sides }) => sinksIn([...results, ...Object.values(sides).flat()]).length > 0,
    )
    .flatMap(({ uid }) =>
      Array.from({ length: parallelism[uid] ?? 0 }, (_, index) => ({ vertex: uid, index })),
    );
}

const checkpoint = z.coerce.number().int().nonnegative();

const readOutput = createRoute({
  method: "get",
  path: "/jobs/{job}/output",
  summary: "Committed results in commit order, each with its checkpoint",
  request: {
    params: jobParameter,
    query: z.object({
      after: checkpoint.optional().openapi({ description: "Only results of later checkpoints" }),
      limit: z.coerce.number().int().min(1).max(100_000).default(1_000),
      cursor: z.string().optional().openapi({ description: "Next-Cursor of the page before" }),
    }),
  },
  responses: {
    200: {
      description:
        'NDJSON of {"checkpoint","output","value"}, with "key" for the newest value of a key; {"checkpoint","rewound"} where the job was started from an older checkpoint',
      headers: z.object({ "Next-Cursor": z.string().optional() }),
      content: { "application/x-ndjson": { schema: z.string() } },
    },
    ...problems({ 404: "No such job", 410: "No longer retained" }),
  },
});

const followOutput = createRoute({
  method: "get",
  path: "/jobs/{job}/output/live",
  summary: "Server-sent events: results as they are computed, and commits",
  request: {
    params: jobParameter,
    query: z.object({
      after: checkpoint.optional().openapi({ description: "Also commits after this checkpoint" }),
    }),
  },
  responses: {
    200: {
      description:
        'Events "result" with {"output","value"} (and "key" for the newest value of a key), not committed yet and perhaps computed again after a failure; "committed" with {"checkpoint","records","committedAt"}; "skipped" with the number of results that were too many to show',
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problems({ 404: "No such job" }),
  },
});
