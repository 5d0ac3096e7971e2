/** `weir sst dump`: what is in an object of tables, or in one table. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import pc from "picocolors";
import {
  blockEntries,
  blockHeader,
  findTables,
  inspectTable,
  keyGroupOf,
  stateIdOf,
} from "../../state-engine/index.ts";
import type { InspectedEntry, TableInspection } from "../../state-engine/index.ts";
import { createTable } from "../output/create-table.ts";
import { fetchAnswer, usedToken } from "./fetch-answer.ts";
import { nodeEnvironment } from "./node-environment.ts";

const environment = nodeEnvironment();
const CODECS = ["none", "deflate-raw", "zstd"];
const SHOWN_BYTES = 32;

interface DumpOptions {
  readonly entries: number;
  readonly token?: string;
}

export function sstCommand(): Command {
  const sst = new Command("sst").description("looks into tables");
  sst
    .command("dump")
    .description("properties, blocks and entries of the tables in a file or at a URL")
    .argument("<file-or-url>")
    .option("--entries <number>", "how many entries of each table to show", Number, 20)
    .action(async (place: string, _options: DumpOptions, command: Command) => {
      const options = command.optsWithGlobals<DumpOptions>();
      console.log(dumpObject(await readBytes(place, options.token), place, options.entries));
    });
  return sst;
}

/** Throws StateEngineError, with path and offset, for what cannot be read. */
export function dumpObject(bytes: Uint8Array, path: string, entries: number): string {
  return findTables(bytes, environment, path)
    .map(({ offset, size }) => {
      const what = `the table at offset ${offset} of ${path}`;
      const own = bytes.subarray(offset, offset + size);
      const table = inspectTable(own, environment, what);
      const parts = [
        pc.bold(`Table at offset ${offset}, ${size} bytes`),
        propertiesOf(table),
        blocksOf(table, own),
        entriesOf(table, own, what, entries),
      ];
      return parts.join("\n");
    })
    .join("\n\n");
}

async function readBytes(place: string, token: string | undefined): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(place)) return new Uint8Array(await readFile(place));
  const answer = await fetchAnswer(place, usedToken(token));
  return new Uint8Array(await answer.arrayBuffer());
}

function propertiesOf({ properties, blocks, footer }: TableInspection): string {
  const table = createTable({});
  const { expiry, deletedRanges } = properties;
  table.push(
    ["smallest key", shownKey(properties.smallestKey)],
    ["largest key", shownKey(properties.largestKey)],
    ["entries", properties.entries],
    ["tombstones", properties.tombstones],
    ["deleted ranges", deletedRanges.length],
    ["expire", expiry ? `${expiry.entries}, ${expiry.earliest} to ${expiry.latest}` : "none"],
    ["sequences", `${properties.smallestSequence} to ${properties.largestSequence}`],
    ["raw bytes", properties.rawBytes],
    ["data blocks", blocks.length],
    ["index", `${footer.index.size} bytes at offset ${footer.index.offset}`],
    ["filter", footer.filter.size === 0 ? "none" : `${footer.filter.size} bytes`],
  );
  const ranges = deletedRanges.map(({ start, end }) => `${shownKey(start)} … ${shownKey(end)}`);
  for (const range of ranges) table.push(["deleted range", range]);
  return table.toString();
}

function blocksOf({ blocks }: TableInspection, bytes: Uint8Array): string {
  const table = createTable({
    head: ["block", "offset", "size", "raw", "codec"],
    colAligns: ["right", "right", "right", "right", "left"],
  });
  for (const [index, handle] of blocks.entries()) {
    const { codec, rawBytes } = blockHeader(bytes, handle);
    table.push([index, handle.offset, handle.size, rawBytes, CODECS[codec] ?? `${codec}`]);
  }
  return table.toString();
}

function entriesOf(
  { blocks, properties }: TableInspection,
  bytes: Uint8Array,
  what: string,
  limit: number,
): string {
  const table = createTable({ head: ["group", "state", "key", "kind", "value", "expires"] });
  let shown = 0;
  for (let index = 0; index < blocks.length; index++) {
    for (const entry of blockEntries(bytes, blocks, index, environment, what)) {
      if (shown < limit) table.push(entryRow(entry));
      shown++;
    }
  }
  const rest = properties.entries - Math.min(limit, shown);
  return rest > 0
    ? `${table.toString()}\n${rest} more entries (--entries ${shown})`
    : table.toString();
}

function entryRow({ key, kind, value, expiresAt }: InspectedEntry): (string | number)[] {
  const expires = expiresAt === Infinity ? "" : `${expiresAt}`;
  return [
    keyGroupOf(key),
    stateIdOf(key),
    shownBytes(key.subarray(4)),
    kind,
    shownBytes(value),
    expires,
  ];
}

function shownKey(key: Uint8Array): string {
  if (key.length < 4) return Buffer.from(key).toString("hex");
  return `group ${keyGroupOf(key)} state ${stateIdOf(key)} ${shownBytes(key.subarray(4))}`;
}

/** Text where it is text, hexadecimal otherwise. */
function shownBytes(bytes: Uint8Array): string {
  const part = Buffer.from(bytes.subarray(0, SHOWN_BYTES));
  const isText = bytes.length > 0 && part.every((byte) => byte >= 0x20 && byte < 0x7f);
  const shown = isText ? JSON.stringify(part.toString("latin1")) : part.toString("hex");
  return bytes.length > SHOWN_BYTES ? `${shown}… (${bytes.length} bytes)` : shown;
}
