/** Where a checkpoint's manifest is, or the 404, 410 or 503 that the contract asks for. */
import type { CoordinatorQueries } from "../../durable-objects/coordinator-queries.ts";
import { notFound, ProblemError, storageMoved } from "../http/problem.ts";

export async function checkpointPath(
  coordinator: Pick<CoordinatorQueries, "locateCheckpoint">,
  id: number,
): Promise<string> {
  const located = await coordinator.locateCheckpoint(id);
  if (located.kind === "found") return located.path;
  if (located.kind === "elsewhere") throw storageMoved(located.reason);
  if (located.kind === "unknown") {
    throw notFound("No such checkpoint", `This job never completed a checkpoint ${id}.`);
  }
  throw new ProblemError({
    status: 410,
    title: "Checkpoint gone",
    detail: `Checkpoint ${id} is no longer retained. GET /jobs/{job}/checkpoints lists those that are.`,
  });
}
