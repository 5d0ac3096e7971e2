/**
 * The HTTP API of one Worker: every route, access control, and the document that describes them.
 */
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { requireAccess } from "./access.ts";
import { addBlobRoutes } from "./blob-routes.ts";
import { addCheckpointRoutes } from "./checkpoint-routes.ts";
import { addIngestRoutes } from "./ingest-routes.ts";
import { addJobRoutes } from "./job-routes.ts";
import { addOrphanScanRoutes } from "./orphan-scan-routes.ts";
import { addOutputRoutes } from "./output-routes.ts";
import { addPlanRoutes } from "./plan-routes.ts";
import { createApp } from "./routing.ts";
import type { WeirApp } from "./routing.ts";
import { startPage } from "./start-page.ts";
import { addStateRoutes } from "./state-routes.ts";

export function createWeirApp(jobs: JobRegistry): WeirApp {
  const app = createApp();
  app.use(requireAccess);
  app.get("/", (context) => context.html(startPage(jobs.names)));
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  addIngestRoutes(app, jobs);
  addJobRoutes(app, jobs);
  addPlanRoutes(app, jobs);
  addStateRoutes(app, jobs);
  addCheckpointRoutes(app, jobs);
  addBlobRoutes(app, jobs);
  addOrphanScanRoutes(app, jobs);
  addOutputRoutes(app, jobs);
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Weir",
      version: "1",
      description: "Times are milliseconds since the epoch, durations milliseconds, sizes bytes.",
    },
    security: [{ token: [] }],
  });
  return app;
}
