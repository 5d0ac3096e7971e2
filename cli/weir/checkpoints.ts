/** `weir checkpoints`: the history of checkpoints, and taking one. */
import type { Command } from "commander";
import pc from "picocolors";
import { createTable } from "../output/create-table.ts";
import { formatBytes, formatDollars, formatDuration } from "../output/format.ts";
import { connectionOf, jobPath } from "./connection.ts";

interface CheckpointItem {
  readonly id: number;
  readonly status: string;
  readonly trigger_timestamp: number;
  readonly end_to_end_duration: number;
  readonly checkpointed_size: number;
  readonly state_size: number;
  readonly put_operations: number;
  readonly new_tables?: number;
  readonly reused_tables?: number;
  readonly estimated_cost_usd?: number;
  readonly discarded?: boolean;
  readonly external_path?: string;
  readonly failure_message?: string;
}

export function addCheckpointCommands(program: Command): void {
  const checkpoints = program.command("checkpoints").description("lists and takes checkpoints");
  checkpoints
    .command("list")
    .description("the latest checkpoints, newest first")
    .option("--limit <number>", "how many", Number, 20)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const connection = connectionOf(command);
      const answer = await connection.client.json<{ history: readonly CheckpointItem[] }>(
        `${await jobPath(connection)}/checkpoints`,
      );
      if (connection.isJson) return console.log(JSON.stringify(answer));
      console.log(historyTable(answer.history.slice(0, limit)));
    });
  checkpoints
    .command("trigger")
    .description("takes a checkpoint of everything accepted so far, and waits for it")
    .option("--full", "upload every table again")
    .action(async ({ full = false }: { full?: boolean }, command: Command) => {
      const connection = connectionOf(command);
      const checkpointType = full ? "FULL" : "CONFIGURED";
      const item = await connection.client.postJson<CheckpointItem & object>(
        `${await jobPath(connection)}/checkpoints?wait=60`,
        { checkpointType },
      );
      console.log(connection.isJson ? JSON.stringify(item) : detailTable(item));
    });
  checkpoints
    .command("show")
    .description("one checkpoint in detail")
    .argument("<id>")
    .action(async (id: string, _options, command: Command) => {
      const connection = connectionOf(command);
      const item = await connection.client.json<CheckpointItem & object>(
        `${await jobPath(connection)}/checkpoints/details/${encodeURIComponent(id)}`,
      );
      console.log(connection.isJson ? JSON.stringify(item) : detailTable(item));
    });
}

function historyTable(items: readonly CheckpointItem[]): string {
  const table = createTable({
    head: ["id", "status", "triggered", "took", "new", "state", "PUTs", "tables new + reused"],
    colAligns: ["right", "left", "left", "right", "right", "right", "right", "right"],
  });
  for (const item of items) {
    table.push([
      item.id,
      statusOf(item),
      timeOf(item.trigger_timestamp),
      formatDuration(item.end_to_end_duration),
      formatBytes(item.checkpointed_size),
      formatBytes(item.state_size),
      item.put_operations,
      item.new_tables === undefined ? "" : `${item.new_tables} + ${item.reused_tables}`,
    ]);
  }
  return table.toString();
}

function detailTable(item: CheckpointItem): string {
  const table = createTable({});
  table.push(
    { checkpoint: String(item.id) },
    { status: statusOf(item) },
    { triggered: timeOf(item.trigger_timestamp) },
    { took: formatDuration(item.end_to_end_duration) },
    { "new bytes": formatBytes(item.checkpointed_size) },
    { "state size": formatBytes(item.state_size) },
    { "PUT operations": String(item.put_operations) },
  );
  if (item.new_tables !== undefined) {
    table.push({ tables: `${item.new_tables} new, ${item.reused_tables} reused` });
  }
  if (item.estimated_cost_usd !== undefined) {
    table.push({ "estimated cost": formatDollars(item.estimated_cost_usd) });
  }
  if (item.external_path !== undefined) table.push({ manifest: item.external_path });
  if (item.failure_message !== undefined) table.push({ failure: item.failure_message });
  return table.toString();
}

function statusOf({ status, discarded }: CheckpointItem): string {
  if (status === "FAILED") return pc.red(status);
  if (status !== "COMPLETED") return pc.yellow(status);
  return discarded ? pc.dim("COMPLETED, gone") : pc.green(status);
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString().replace("T", " ").slice(0, 19);
}
