/** `weir state`: keyed state, live or at a checkpoint. */
import type { Command } from "commander";
import { createTable } from "../output/create-table.ts";
import { formatBytes, formatCount } from "../output/format.ts";
import { wholeNumber } from "../whole-number.ts";
import type { StateEntry } from "../weir-client.ts";
import { type Connection, connectionOf, jobPath } from "./connection.ts";

interface GetOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly checkpoint?: string;
}

interface ScanOptions extends GetOptions {
  readonly limit: number;
  readonly prefix?: string;
  readonly order: string;
}

const AT_CHECKPOINT = ["--checkpoint <id>", "read this completed checkpoint"] as const;
const FROM_CURSOR = ["--cursor <cursor>", "go on where an earlier answer ended"] as const;
/** As many entries as one page may have. */
const LARGEST_PAGE = 10_000;
const DEFAULT_PAGE = 1_000;
const howMany = wholeNumber(1_000_000_000, 1);

export function addStateCommands(program: Command): void {
  const state = program.command("state").description("reads keyed state");
  addListCommand(state);
  state
    .command("get")
    .description("the value of one key; with --limit its list, map or windows a part at a time")
    .argument("<state>", "name of the state")
    .argument("<key>")
    .option("--limit <number>", "how many elements, entries or windows, one a line", howMany)
    .option(...FROM_CURSOR)
    .option(...AT_CHECKPOINT)
    .action(async (name: string, key: string, options: GetOptions, command: Command) => {
      const connection = connectionOf(command);
      const states = `${await jobPath(connection)}/state/${encodeURIComponent(name)}`;
      const path = `${states}/${encodeURIComponent(key)}`;
      const { limit, cursor, checkpoint } = options;
      if (limit !== undefined || cursor !== undefined) {
        return await printEntries(connection, path, { limit: DEFAULT_PAGE, ...options });
      }
      const at = checkpoint === undefined ? "" : `?checkpoint=${checkpoint}`;
      const entry = await connection.client.json<StateEntry & object>(`${path}${at}`);
      console.log(JSON.stringify(connection.isJson ? entry : entry.value));
    });
  state
    .command("scan")
    .description("entries of a state")
    .argument("<state>", "name of the state")
    .option("--prefix <text>", "only keys that begin with this")
    .option("--limit <number>", "how many entries", howMany, 20)
    .option("--order <order>", "key, or value-desc: the largest values first", "key")
    .option(...FROM_CURSOR)
    .option(...AT_CHECKPOINT)
    .action(async (name: string, options: ScanOptions, command: Command) => {
      const connection = connectionOf(command);
      const path = `${await jobPath(connection)}/state/${encodeURIComponent(name)}`;
      await printEntries(connection, path, options);
    });
}

/** Prints up to `limit` entries, page by page, and how to go on when there are more. */
async function printEntries(
  { client, isJson }: Connection,
  path: string,
  { limit, ...options }: GetOptions & { readonly limit: number },
): Promise<void> {
  const table = createTable({ head: ["key", "value"], colAligns: ["left", "right"] });
  let left = limit;
  let next = options.cursor;
  do {
    const query = { ...options, limit: String(Math.min(left, LARGEST_PAGE)) };
    const page = await client.entries(path, {
      ...query,
      ...(next !== undefined && { cursor: next }),
    });
    for (const entry of page.entries) {
      if (isJson) console.log(JSON.stringify(entry));
      else table.push([shownKey(entry), shownValue(entry.value)]);
    }
    left -= page.entries.length;
    next = page.next;
  } while (next !== undefined && left > 0);
  if (!isJson) console.log(table.toString());
  if (next !== undefined) console.error(`There is more: go on with --cursor ${next}`);
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

/** The key, and what within it: `cart [book]`, `cart [0]`, `cart [1970-01-01T00:00:00.000Z to …]`. */
function shownKey({ key, window, mapKey, index }: StateEntry): string {
  const within = mapKey ?? index;
  if (within !== undefined) return `${key} [${within}]`;
  if (window === undefined) return String(key);
  return `${key} [${shownTime(window.start)} to ${shownTime(window.end)}]`;
}

function shownTime(time: number | null): string {
  return time === null ? "…" : new Date(time).toISOString();
}

function shownValue(value: unknown): string {
  if (value === undefined) return "more than 4 MiB: read it with weir state get and --limit";
  return typeof value === "number" ? formatCount(value) : JSON.stringify(value);
}
