/**
 * How routes are written: a schema that validates the request and stands in /openapi.json, and a
 * handler that answers a Response.
 */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { Peers } from "../../durable-objects/object-context.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { jobBucket, MissingJobBucket } from "../../durable-objects/platform/bound-bucket.ts";
import { createPeers } from "../../durable-objects/platform/peers.ts";
import { notFound, ProblemError, problemResponse, responseToError } from "./problem.ts";

export interface WeirHono {
  readonly Bindings: WeirBindings;
}
export type WeirApp = OpenAPIHono<WeirHono>;

/** A job of this Worker and the way to its objects, for one request. */
export interface ReachableJob {
  readonly graph: JobGraph;
  readonly peers: Peers;
  /** Of every object of the job. */
  readonly bucket: R2Bucket;
}

export function createApp(): WeirApp {
  const app = new OpenAPIHono<WeirHono>({
    defaultHook: (result) => {
      if (result.success) return;
      const detail = result.error.issues
        .map((issue) => `${issue.path.join(".") || result.target}: ${issue.message}`)
        .join("; ");
      return problemResponse({
        status: 400,
        title: "Bad request",
        detail: `The ${result.target} of this request is not as /openapi.json says. ${detail}`,
      });
    },
  });
  app.onError((error) => responseToError(error));
  app.notFound((context) =>
    responseToError(
      notFound(
        "No such route",
        `${context.req.method} ${context.req.path} is not in /openapi.json.`,
      ),
    ),
  );
  return app;
}

export function addRoute<Config extends RouteConfig>(
  app: WeirApp,
  config: Config,
  handler: (context: Parameters<RouteHandler<Config, WeirHono>>[0]) => Promise<Response>,
): void {
  app.openapi(config, handler);
}

/** Throws the 404 of the contract when the Worker has no such job, and 503 when its bucket is not bound. */
export function reachJob(jobs: JobRegistry, name: string, bindings: WeirBindings): ReachableJob {
  const graph = jobs.find(name, bindings);
  if (graph === undefined) {
    const known = jobs.names.join(", ") || "none";
    throw notFound("No such job", `This Worker has no job "${name}". Its jobs: ${known}.`);
  }
  return { graph, peers: createPeers(bindings, name), bucket: reachBucket(graph, bindings) };
}

function reachBucket(graph: JobGraph, bindings: WeirBindings): R2Bucket {
  try {
    return jobBucket(graph, bindings);
  } catch (error) {
    if (!(error instanceof MissingJobBucket)) throw error;
    const { message: detail } = error;
    const problem = { status: 503, title: "Bucket not bound", detail, retryAfterSeconds: 60 };
    throw new ProblemError(problem, { cause: error });
  }
}

export const jobParameter = z.object({
  job: z.string().openapi({ param: { name: "job", in: "path" }, example: "wordcount" }),
});

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
  })
  .catchall(z.unknown())
  .openapi("Problem", { description: "RFC 9457 problem details" });

/** Responses of a route for which something can go wrong. */
export function problems(descriptions: Readonly<Record<number, string>>): RouteConfig["responses"] {
  const content = { "application/problem+json": { schema: problemSchema } };
  const all = { 400: "Not as this document says", 401: "Token missing or wrong", ...descriptions };
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => [status, { description, content }]),
  );
}

/** A response whose shape the coordinator decides; it follows Flink's REST names. */
export function jsonObject(description: string) {
  return { description, content: { "application/json": { schema: z.looseObject({}) } } };
}
