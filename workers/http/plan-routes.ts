/**
 * The job graph over HTTP: Flink's `GET /jobs/{job}/plan`, and beside it what describe() of the job
 * says, as data and as text, with the parallelism the job runs with.
 */
import { createRoute } from "@hono/zod-openapi";
import { describeJobGraph } from "../../dataflow/describe.ts";
import type { JobDescription } from "../../dataflow/describe.ts";
import { formatJobDescription } from "../../dataflow/format-job-description.ts";
import type { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import { addRoute, jobParameter, jsonObject, problems, reachJob } from "./routing.ts";
import type { ReachableJob, WeirApp } from "./routing.ts";

export function addPlanRoutes(app: WeirApp, jobs: JobRegistry): void {
  addRoute(app, showPlan, async (context) => {
    const { job } = context.req.valid("param");
    const graph = await runningGraph(reachJob(jobs, job, context.env));
    return context.json({ plan: flinkPlan(graph), graph, text: formatJobDescription(graph) });
  });
}

async function runningGraph({ graph, peers }: ReachableJob): Promise<JobDescription> {
  const { parallelism, sources } = await peers.coordinator().topology();
  const [first = graph.options.parallelism] = Object.values(parallelism);
  const options = { ...graph.options, parallelism: first, sources };
  return describeJobGraph({ ...graph, options });
}

/** In the names of Flink's REST interface, where an edge stands at the node it leads to. */
function flinkPlan({ name, nodes, edges }: JobDescription) {
  return {
    jid: name,
    name,
    type: "STREAMING",
    nodes: nodes.map(({ id, operators, parallelism }) => ({
      id,
      parallelism,
      operator: "",
      operator_strategy: "",
      description: operators.join(" -> "),
      inputs: edges
        .filter(({ to }) => to === id)
        .toSorted((one, other) => (one.input ?? 0) - (other.input ?? 0))
        .map(({ from, partitioning }, num) => ({
          num,
          id: from,
          ship_strategy: partitioning.toUpperCase(),
          exchange: "pipelined_bounded",
        })),
      optimizer_properties: {},
    })),
  };
}

const showPlan = createRoute({
  method: "get",
  path: "/jobs/{job}/plan",
  summary: "The job graph: nodes, their operators, and the edges between them",
  request: { params: jobParameter },
  responses: {
    200: jsonObject("plan: as Flink's REST has it; graph: as describe() has it; text: to be read"),
    ...problems({ 404: "No such job" }),
  },
});
