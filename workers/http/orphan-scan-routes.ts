/**
 * `POST /jobs/{job}/orphan-scan`: searches the bucket for objects of the job that nobody knows, and has
 * them deleted. An active job does this by itself once a day.
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { ProblemError } from "./problem.ts";
import { addRoute, jobParameter, jsonObject, problems, reachJob } from "./routing.ts";
import type { WeirApp } from "./routing.ts";

/** Younger blobs may belong to a write that is still under way somewhere. */
const smallestMinimumAgeMs = 3_600_000;

export function addOrphanScanRoutes(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, scanOrphans, async (context) => {
    const { peers } = reachJob(jobs, context.req.param("job"), context.env);
    const minimumAgeMs = context.req.valid("query")["minimum-age-ms"];
    const answer = await peers
      .coordinator()
      .scanOrphans({ ...(minimumAgeMs !== undefined && { minimumAgeMs }) });
    if (answer.kind === "scanned") {
      const { listed, orphans, orphanBytes, young, foreign } = answer;
      return context.json({ listed, orphans, orphanBytes, young, foreign });
    }
    throw new ProblemError({
      status: 503,
      title: "Scan given up",
      detail: answer.reason,
      retryAfterSeconds: 60,
    });
  });
}

const scanOrphans = createRoute({
  method: "post",
  path: "/jobs/{job}/orphan-scan",
  summary: "Delete objects of the job that nobody knows any more",
  request: {
    params: jobParameter,
    query: z.object({
      "minimum-age-ms": z.coerce.number().int().min(smallestMinimumAgeMs).optional().openapi({
        description: "Blobs younger than this stay; 24 hours when left out, 1 hour at least",
      }),
    }),
  },
  responses: {
    200: jsonObject("How many blobs there are, how many go, how many are too young to tell"),
    ...problems({ 404: "No such job", 503: "Something did not answer; nothing was deleted" }),
  },
});
