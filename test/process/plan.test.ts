/** The job graph as people and programs get it: over HTTP, and from `weir plan`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { LocalRuntime } from "../../cli/local-runtime.ts";
import { WeirClient, WeirRequestError } from "../../cli/weir-client.ts";
import { formatJobDescription } from "../../dataflow/format-job-description.ts";
import { runCommand } from "../support/child-command.ts";
import { branchesAndJoins } from "../workerd/plan-job.ts";

let url: string;
let client: WeirClient;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "weir-plan-"));
  const runtime = await LocalRuntime.start({
    port: 0,
    directory,
    module: new URL("../workerd/plan-worker.ts", import.meta.url),
    variables: { WEIR_ACCESS: "open" },
  });
  url = runtime.url;
  client = new WeirClient({ url });
  return async () => {
    await runtime.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
});

test("[PL1] the graph that is served is what describe() says of a job that branches and joins", async () => {
  const { graph, plan, text } = await client.json("/jobs/branches/plan");
  const described = branchesAndJoins.describe();
  expect(graph).toEqual(JSON.parse(JSON.stringify(described)));
  expect(text).toBe(formatJobDescription(described));
  expect(described.edges).toEqual([
    { from: "lines()", to: "first", input: 0, partitioning: "hash" },
    { from: "lines()", to: "every", input: 0, partitioning: "hash" },
    { from: "lines()", to: "empty", input: 0, partitioning: "spread" },
    { from: "lines()", to: "ruled", input: 1, partitioning: "broadcast" },
    { from: "first", to: "both", input: 0, partitioning: "hash" },
    { from: "every", to: "both", input: 1, partitioning: "hash" },
    { from: "both", to: "ruled", input: 0, partitioning: "hash" },
    { from: "empty", to: "empty()", partitioning: "forward" },
    { from: "ruled", to: "hook()", partitioning: "forward" },
    { from: "lines()", to: "failed()", partitioning: "spread" },
  ]);
  expect(plan).toMatchObject({ jid: "branches", type: "STREAMING" });
  const nodes = (plan as { nodes: readonly { id: string; inputs: object[] }[] }).nodes;
  expect(nodes.find(({ id }) => id === "both")).toMatchObject({
    parallelism: 3,
    description: "coProcess -> map",
    inputs: [
      { num: 0, id: "first", ship_strategy: "HASH" },
      { num: 1, id: "every", ship_strategy: "HASH" },
    ],
  });
  await expect(client.json("/jobs/none/plan")).rejects.toThrow(WeirRequestError);
});

test("[PL1] weir plan prints a node a line and below it what feeds it", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const command = `"${process.execPath}" cli/weir.ts --url ${url} plan`;
  expect(await runCommand(root, command)).toBe(`branches
  lines()   source ×2  lines → flatMap → filter → filter
  first     keyed ×3   deduplicate, key: string
            ← lines() by hash
  every     keyed ×3   process, key: string
            ← lines() by hash
  empty     keyed ×3   collect, key: string
            ← lines() by spread
  both      keyed ×3   coProcess → map, key: string
            ← first by hash, input 0
            ← every by hash, input 1
  ruled     keyed ×3   broadcastProcess, key: integer
            ← both by hash, input 0
            ← lines() by broadcast, input 1
  empty()   output ×3  output
            ← empty by forward
  hook()    output ×3  sinkTo, delivered by webhook
            ← ruled by forward
  failed()  output ×3  deadLetter
            ← lines() by spread
`);
});
