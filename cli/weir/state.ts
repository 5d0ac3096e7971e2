/** `weir state`: keyed state, live or at a checkpoint. */
import type { Command } from "commander";
import { createTable } from "../output/create-table.ts";
import { formatBytes, formatCount } from "../output/format.ts";
import type { StateEntry } from "../weir-client.ts";
import { connectionOf, jobPath } from "./connection.ts";

interface ScanOptions {
  readonly prefix?: string;
  readonly limit: string;
  readonly order: string;
  readonly checkpoint?: string;
}

const AT_CHECKPOINT = ["--checkpoint <id>", "read this completed checkpoint"] as const;

export function addStateCommands(program: Command): void {
  const state = program.command("state").description("reads keyed state");
  addListCommand(state);
  state
    .command("get")
    .description("the value of one key")
    .argument("<state>", "name of the state")
    .argument("<key>")
    .option(...AT_CHECKPOINT)
    .action(async (name: string, key: string, options: Partial<ScanOptions>, command: Command) => {
      const connection = connectionOf(command);
      const at = options.checkpoint === undefined ? "" : `?checkpoint=${options.checkpoint}`;
      const path = `${await jobPath(connection)}/state/${encodeURIComponent(name)}`;
      const entry = await connection.client.json<StateEntry & object>(
        `${path}/${encodeURIComponent(key)}${at}`,
      );
      console.log(JSON.stringify(connection.isJson ? entry : entry.value));
    });
  state
    .command("scan")
    .description("entries of a state")
    .argument("<state>", "name of the state")
    .option("--prefix <text>", "only keys that begin with this")
    .option("--limit <number>", "how many entries", "20")
    .option("--order <order>", "key, or value-desc: the largest values first", "key")
    .option(...AT_CHECKPOINT)
    .action(async (name: string, options: ScanOptions, command: Command) => {
      const { client, isJson, job } = connectionOf(command);
      const limit = Number(options.limit);
      const query = { ...options, limit: String(Math.min(limit, 10_000)) };
      const table = createTable({ head: ["key", "value"], colAligns: ["left", "right"] });
      let shown = 0;
      for await (const entry of client.scan(await job(), name, query)) {
        if (isJson) console.log(JSON.stringify(entry));
        else table.push([shownKey(entry), shownValue(entry.value)]);
        shown++;
        if (shown === limit) break;
      }
      if (!isJson) console.log(table.toString());
    });
}

interface StateDetail {
  readonly name: string;
  readonly kind: string;
  readonly key_type: string;
  readonly map_key_type?: string;
  readonly value_type: string;
  readonly state_size?: number;
}

function addListCommand(state: Command): void {
  state
    .command("list")
    .description("the states of the job")
    .action(async (_options, command: Command) => {
      const connection = connectionOf(command);
      const answer = await connection.client.json<{ states: readonly StateDetail[] }>(
        `${await jobPath(connection)}/state`,
      );
      if (connection.isJson) return console.log(JSON.stringify(answer));
      const table = createTable({ head: ["state", "kind", "keys", "values", "size"] });
      for (const { name, kind, key_type, map_key_type, value_type, state_size } of answer.states) {
        const values = map_key_type === undefined ? value_type : `${map_key_type} → ${value_type}`;
        table.push([name, kind, key_type, values, formatBytes(state_size ?? 0)]);
      }
      console.log(table.toString());
    });
}

/** The key, and what within it: `cart [book]`, `cart [1970-01-01T00:00:00.000Z to …]`. */
function shownKey({ key, window, mapKey }: StateEntry): string {
  if (mapKey !== undefined) return `${key} [${mapKey}]`;
  if (window === undefined) return String(key);
  return `${key} [${shownTime(window.start)} to ${shownTime(window.end)}]`;
}

function shownTime(time: number | null): string {
  return time === null ? "…" : new Date(time).toISOString();
}

function shownValue(value: unknown): string {
  if (value === undefined) return "more than 4 MiB: read it over HTTP with ?limit=";
  return typeof value === "number" ? formatCount(value) : JSON.stringify(value);
}
