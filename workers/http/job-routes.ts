/**
 * What can be asked of a job as a whole, and told to it. Answers are the coordinator's own; this file
 * checks requests and gives refusals their status.
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { StartAnswer } from "../../durable-objects/coordinator-queries.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { problemDetails, ProblemError } from "./problem.ts";
import {
  addRoute,
  jobParameter,
  jsonObject,
  problems,
  problemSchema,
  reachJob,
} from "./routing.ts";
import type { ReachableJob, WeirApp } from "./routing.ts";

export function addJobRoutes(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, listJobs, async (context) => {
    const statuses = jobs.names.map(async (id) => ({
      id,
      ...(await statusOf(() => reachJob(jobs, id, context.env))),
    }));
    return context.json({ jobs: await Promise.all(statuses) });
  });
  addRoute(app, describeJob, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await peers.coordinator().describeJob());
  });
  addRoute(app, listExceptions, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await peers.coordinator().exceptions());
  });
  addRoute(app, estimateCost, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    return context.json(await peers.coordinator().cost());
  });
  addRoute(app, stopJob, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { cancel, checkpoints, drain = false, savepoint = false } = context.req.valid("json");
    const answer = await peers.coordinator().stop({
      drain,
      savepoint,
      ...(cancel !== undefined && { cancel }),
      ...(checkpoints !== undefined && { checkpoints }),
    });
    if (answer.kind === "refused") throw refused("Stop refused", answer.reason);
    return context.json({ status: "STOPPED", checkpoint: answer.checkpoint });
  });
  addRoute(app, startJob, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const { parallelism, acceptLoss, allowNonRestoredState, from } = context.req.valid("json");
    const answer = await peers.coordinator().start({
      from,
      ...(parallelism !== undefined && { parallelism }),
      ...(acceptLoss !== undefined && { acceptLoss }),
      ...(allowNonRestoredState !== undefined && { allowNonRestoredState }),
    });
    return context.json({ status: "RUNNING", generation: startedGeneration(answer) });
  });
  addRoute(app, rescaleJob, async (context) => {
    reachJob(jobs, context.req.param("job"), context.env);
    throw new ProblemError({
      status: 501,
      title: "Rescaling not implemented",
      detail: "The parallelism of a running job cannot be changed yet.",
    });
  });
}

/** A job that cannot be reached as it was deployed does not hide the others: it is FAILED, with its problem. */
async function statusOf(reach: () => ReachableJob) {
  let job: ReachableJob;
  try {
    job = reach();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { status: "FAILED", problem: problemDetails(error.problem) };
  }
  return await job.peers.coordinator().status();
}

function startedGeneration(answer: StartAnswer): number {
  if (answer.kind === "started") return answer.generation;
  if (answer.kind === "refused") throw refused("Start refused", answer.reason);
  throw new ProblemError({
    status: 409,
    title: "Log begins later",
    detail:
      'The log no longer holds the lines after the point to start from: add "acceptLoss": true to go on without them.',
    members: { sources: answer.sources.map((source) => ({ ...source })) },
  });
}

function refused(title: string, detail: string): ProblemError {
  return new ProblemError({ status: 409, title, detail });
}

const listJobs = createRoute({
  method: "get",
  path: "/jobs",
  summary: "Jobs and their status",
  responses: {
    200: {
      description: "Every job of this Worker",
      content: {
        "application/json": {
          schema: z.object({
            jobs: z.array(
              z.object({
                id: z.string(),
                status: z.string(),
                problem: problemSchema.optional().openapi({
                  description:
                    "What every request about this job is answered until a deploy mends it",
                }),
              }),
            ),
          }),
        },
      },
    },
    ...problems({}),
  },
});

const aboutOneJob = { request: { params: jobParameter } };
const noSuchJob = problems({ 404: "No such job" });

const describeJob = createRoute({
  ...aboutOneJob,
  method: "get",
  path: "/jobs/{job}",
  summary: "Status, vertices, sources, restarts",
  responses: { 200: jsonObject("The job as its tasks last reported"), ...noSuchJob },
});

const listExceptions = createRoute({
  ...aboutOneJob,
  method: "get",
  path: "/jobs/{job}/exceptions",
  summary: "History of failures",
  responses: { 200: jsonObject("Failures with task, offset and stack"), ...noSuchJob },
});

const estimateCost = createRoute({
  ...aboutOneJob,
  method: "get",
  path: "/jobs/{job}/cost",
  summary: "Estimated monthly bill by meter",
  responses: { 200: jsonObject("From counted operations and list prices"), ...noSuchJob },
});

const stopJob = createRoute({
  method: "post",
  path: "/jobs/{job}/stop",
  summary: "Stop after a final checkpoint or savepoint",
  request: {
    params: jobParameter,
    body: json(
      z.object({
        drain: z.boolean().optional(),
        savepoint: z.boolean().optional(),
        cancel: z.boolean().optional().openapi({
          description: "Stops at once, without a final checkpoint",
        }),
        checkpoints: z.enum(["retain", "delete"]).optional().openapi({
          description: "What becomes of the checkpoints of a cancelled job",
        }),
      }),
    ),
  },
  responses: {
    200: jsonObject("Stopped"),
    ...problems({ 404: "No such job", 409: "Refused" }),
  },
});

const startJob = createRoute({
  method: "post",
  path: "/jobs/{job}/start",
  summary: "Start from a checkpoint, a savepoint or empty",
  request: {
    params: jobParameter,
    body: json(
      z.object({
        from: z
          .union([
            z.enum(["latest", "empty"]),
            z.strictObject({ checkpoint: z.number().int().nonnegative() }),
            z.strictObject({ savepoint: z.string() }),
          ])
          .default("latest"),
        parallelism: z.number().int().positive().optional(),
        acceptLoss: z.boolean().optional(),
        allowNonRestoredState: z.boolean().optional(),
      }),
    ),
  },
  responses: {
    200: jsonObject("Started"),
    ...problems({ 404: "No such job", 409: "Refused, or the log begins later" }),
  },
});

const rescaleJob = createRoute({
  method: "put",
  path: "/jobs/{job}/resource-requirements",
  summary: "Change the parallelism of a running job",
  request: {
    params: jobParameter,
    body: json(z.object({ parallelism: z.number().int().positive() })),
  },
  responses: problems({ 404: "No such job", 501: "Not implemented" }),
});

function json<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}
