/** `weir jobs`, `plan`, `stop`, `start` and `cost`: a job as a whole. */
import { type Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import { type Bill, billTable } from "../output/bill-table.ts";
import { createTable } from "../output/create-table.ts";
import { formatBytes, formatCount } from "../output/format.ts";
import { connectionOf, jobPath } from "./connection.ts";

interface JobDetail {
  readonly id: string;
  readonly status: string;
  readonly generation: number;
  readonly parallelism: number;
  readonly restarts: number;
  readonly sources: readonly {
    readonly accepted: number;
    readonly processed: number;
    readonly committed: number;
    readonly bytesKept: number;
  }[];
}

/** A job that answers nothing until a deploy mends it. */
interface UnreachableJob {
  readonly id: string;
  readonly status: string;
  readonly problem: { readonly detail: string };
}

interface JobList {
  readonly jobs: readonly (
    | UnreachableJob
    | { readonly id: string; readonly problem?: undefined }
  )[];
}

export function addJobCommands(program: Command): void {
  program
    .command("jobs")
    .description("lists the jobs and how far they are")
    .action(async (_options, command: Command) => {
      const { client, isJson } = connectionOf(command);
      const { jobs } = await client.json<JobList>("/jobs");
      const details = await Promise.all(
        jobs.map(async (job) =>
          job.problem === undefined
            ? await client.json<JobDetail>(`/jobs/${encodeURIComponent(job.id)}`)
            : job,
        ),
      );
      console.log(isJson ? JSON.stringify(details) : jobTable(details));
      for (const job of details) {
        if ("problem" in job && !isJson) console.error(`${job.id}: ${job.problem.detail}`);
      }
    });
  addLifecycleCommands(program);
  program
    .command("plan")
    .description("shows the job graph: operators, and what feeds what")
    .argument("[job]", "which job; default: that of --job")
    .action(async (name: string | undefined, _options, command: Command) => {
      const { client, isJson, job } = connectionOf(command);
      const plan = await client.json(`/jobs/${encodeURIComponent(name ?? (await job()))}/plan`);
      console.log(isJson ? JSON.stringify(plan) : plan["text"]);
    });
  program
    .command("cost")
    .description("estimates the monthly bill by meter")
    .action(async (_options, command: Command) => {
      const connection = connectionOf(command);
      const bill = await connection.client.json<Bill & object>(`${await jobPath(connection)}/cost`);
      console.log(connection.isJson ? JSON.stringify(bill) : billTable(bill));
    });
}

function addLifecycleCommands(program: Command): void {
  program
    .command("stop")
    .description("takes a final checkpoint and stops the job")
    .option("--drain", "end the stream first: windows and timers fire")
    .action(async ({ drain = false }: { drain?: boolean }, command: Command) => {
      const connection = connectionOf(command);
      const path = `${await jobPath(connection)}/stop`;
      const answer = await connection.client.postJson(path, { drain });
      if (connection.isJson) return console.log(JSON.stringify(answer));
      console.log(`Stopped; checkpoint ${String(answer["checkpoint"])} holds its state.`);
    });
  program
    .command("start")
    .description("starts a job that was stopped")
    .option("--from <point>", "latest, empty or the id of a checkpoint", pointOf, "latest")
    .option("--accept-loss", "go on although the log begins after that point")
    .action(async (options: StartOptions, command: Command) => {
      const connection = connectionOf(command);
      const path = `${await jobPath(connection)}/start`;
      const answer = await connection.client.postJson(path, options);
      if (connection.isJson) return console.log(JSON.stringify(answer));
      console.log(`Running; generation ${String(answer["generation"])}.`);
    });
}

interface StartOptions {
  readonly from: "latest" | "empty" | { readonly checkpoint: number };
  readonly acceptLoss?: boolean;
}

function pointOf(text: string): StartOptions["from"] {
  if (text === "latest" || text === "empty") return text;
  if (/^\d+$/.test(text)) return { checkpoint: Number(text) };
  throw new InvalidArgumentError("Write latest, empty or the id of a checkpoint.");
}

function jobTable(jobs: readonly (JobDetail | UnreachableJob)[]): string {
  const table = createTable({
    head: [
      "job",
      "status",
      "generation",
      "partitions",
      "accepted",
      "processed",
      "committed",
      "log",
    ],
    colAligns: ["left", "left", "right", "right", "right", "right", "right", "right"],
  });
  for (const job of jobs) {
    const { id, status } = job;
    if ("problem" in job) {
      table.push([id, pc.red(status)]);
      continue;
    }
    const { generation, parallelism, sources } = job;
    const sum = (name: keyof JobDetail["sources"][number]) =>
      sources.reduce((total, source) => total + source[name], 0);
    table.push([
      id,
      status === "RUNNING" ? pc.green(status) : pc.yellow(status),
      generation,
      parallelism,
      formatCount(sum("accepted")),
      formatCount(sum("processed")),
      formatCount(sum("committed")),
      formatBytes(sum("bytesKept")),
    ]);
  }
  return table.toString();
}
