/**
 * Checkpoints: trigger, statistics in Flink's shape, and manifests as they are stored.
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { CheckpointMode } from "../../durable-objects/messages.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { notFound, ProblemError } from "./problem.ts";
import { checkpointPath } from "../state/checkpoint-path.ts";
import { addRoute, jobParameter, jsonObject, problems, reachJob } from "./routing.ts";
import type { WeirApp } from "./routing.ts";

export function addCheckpointRoutes(app: WeirApp, jobs: JobRegistry): void {
  addTriggerRoute(app, jobs);
  addRoute(app, listCheckpoints, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await peers.coordinator().checkpointStatistics());
  });
  addRoute(app, showConfiguration, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await peers.coordinator().checkpointConfiguration());
  });
  addRoute(app, showDetail, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { id } = context.req.valid("param");
    const detail = await peers.coordinator().checkpointDetail(id);
    if (detail === undefined) throw noSuchCheckpoint(id);
    return context.json(detail);
  });
  addRoute(app, showSubtasks, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { id, vertex } = context.req.valid("param");
    const subtasks = await peers.coordinator().checkpointSubtasks({ id, vertex });
    if (subtasks !== undefined) return context.json(subtasks);
    throw notFound(
      "No such checkpoint",
      `Checkpoint ${id} is not in the history, or the job has no vertex "${vertex}".`,
    );
  });
  addRoute(app, showManifest, async (context) => {
    const { bucket, peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { id } = context.req.valid("param");
    const path = await checkpointPath(peers.coordinator(), id);
    const manifest = await new R2BlobStore(bucket).get(path);
    if (manifest !== undefined) {
      return new Response(manifest, { headers: { "Content-Type": "application/json" } });
    }
    // It may have been subsumed and swept since it was located [21]: then this throws the 410.
    await checkpointPath(peers.coordinator(), id);
    throw new Error(`The manifest of retained checkpoint ${id} is missing: path=${path}`);
  });
}

function addTriggerRoute(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, triggerCheckpoint, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const mode = modes[context.req.valid("json")?.checkpointType ?? "CONFIGURED"];
    const answer = await peers.coordinator().requestCheckpoint({
      waitMs: context.req.valid("query").wait * 1000,
      ...(mode !== undefined && { mode }),
    });
    if (answer.kind === "completed") return context.json(answer.detail);
    if (answer.kind === "pending") return context.json({ "request-id": answer.requestId }, 202);
    throw new ProblemError({
      status: 503,
      title: "Job unavailable",
      detail: `The job is ${answer.status}: no checkpoint can be taken now.`,
      retryAfterSeconds: answer.retryAfterSeconds,
      members: { jobStatus: answer.status },
    });
  });
}

const modes: Readonly<Record<string, CheckpointMode | undefined>> = {
  CONFIGURED: undefined,
  FULL: "full",
  INCREMENTAL: "incremental",
};

function noSuchCheckpoint(id: number): ProblemError {
  return notFound("No such checkpoint", `Checkpoint ${id} is not in the history of this job.`);
}

const checkpointParameters = jobParameter.extend({
  id: z.coerce
    .number()
    .int()
    .nonnegative()
    .openapi({ param: { name: "id", in: "path" }, example: 7 }),
});

const triggerCheckpoint = createRoute({
  method: "post",
  path: "/jobs/{job}/checkpoints",
  summary: "Take a checkpoint that covers every line accepted before the call",
  request: {
    params: jobParameter,
    query: z.object({
      wait: z.coerce.number().min(0).max(60).default(30).openapi({ description: "Seconds" }),
    }),
    body: {
      required: false,
      content: {
        "application/json": {
          schema: z
            .object({ checkpointType: z.enum(["CONFIGURED", "FULL", "INCREMENTAL"]).optional() })
            .optional(),
        },
      },
    },
  },
  responses: {
    200: jsonObject("Completed; its detail"),
    202: jsonObject("Still under way"),
    ...problems({ 404: "No such job", 503: "The job is not running" }),
  },
});

const aboutOneJob = { request: { params: jobParameter } };

const listCheckpoints = createRoute({
  ...aboutOneJob,
  method: "get",
  path: "/jobs/{job}/checkpoints",
  summary: "Counts, summary, latest and history, in Flink's shape",
  responses: { 200: jsonObject("Statistics"), ...problems({ 404: "No such job" }) },
});

const showConfiguration = createRoute({
  ...aboutOneJob,
  method: "get",
  path: "/jobs/{job}/checkpoints/config",
  summary: "How the job takes checkpoints, in Flink's shape",
  responses: { 200: jsonObject("Configuration"), ...problems({ 404: "No such job" }) },
});

const showDetail = createRoute({
  method: "get",
  path: "/jobs/{job}/checkpoints/details/{id}",
  summary: "One item of the history",
  request: { params: checkpointParameters },
  responses: { 200: jsonObject("Detail"), ...problems({ 404: "No such job or checkpoint" }) },
});

const showSubtasks = createRoute({
  method: "get",
  path: "/jobs/{job}/checkpoints/details/{id}/subtasks/{vertex}",
  summary: "Times of each partition of a vertex, in Flink's shape",
  request: {
    params: checkpointParameters.extend({
      vertex: z.string().openapi({ param: { name: "vertex", in: "path" }, example: "counts" }),
    }),
  },
  responses: { 200: jsonObject("Subtasks"), ...problems({ 404: "No such job or checkpoint" }) },
});

const showManifest = createRoute({
  method: "get",
  path: "/jobs/{job}/checkpoints/{id}/manifest",
  summary: "The manifest as stored",
  request: { params: checkpointParameters },
  responses: {
    200: jsonObject("Manifest"),
    ...problems({
      404: "No such job or checkpoint",
      410: "No longer retained",
      503: "The job was deployed with another bucket or prefix",
    }),
  },
});
