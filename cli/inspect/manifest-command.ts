/**
 * `weir manifest`: what a checkpoint says, whether it is true, and what changed between two; on a folder,
 * a running server or the copy of a bucket.
 */
import { Command } from "commander";
import pc from "picocolors";
import { decodeManifest, resolveChain, tableIdentity } from "../../state-engine/index.ts";
import type { PartitionTables, ResolvedManifest } from "../../state-engine/index.ts";
import { createTable } from "../output/create-table.ts";
import { formatBytes } from "../output/format.ts";
import { usedToken } from "./fetch-answer.ts";
import { nodeEnvironment } from "./node-environment.ts";
import { idOfManifest, openPlace } from "./place.ts";
import type { FoundManifest, Place } from "./place.ts";
import { verifyCheckpoint } from "./verify-checkpoint.ts";

const environment = nodeEnvironment();
const PLACE = "a folder with a bucket's blobs, or a server's URL (with --job)";

export function manifestCommand(): Command {
  const manifest = new Command("manifest").description("looks into checkpoints");
  manifest
    .command("show")
    .description("what a checkpoint lists; all of them without a number")
    .argument("<place>", PLACE)
    .argument("[checkpoint]", "number or path")
    .option("--job <name>")
    .action(async (at: string, checkpoint: string | undefined, _options, command: Command) => {
      const place = await openAt(at, command);
      const text = checkpoint === undefined ? await showAll(place) : await show(place, checkpoint);
      console.log(text);
    });
  manifest
    .command("verify")
    .description("reads everything a checkpoint names and checks it; the newest without a number")
    .argument("<place>", PLACE)
    .argument("[checkpoint]", "number or path")
    .option("--job <name>")
    .action(async (at: string, checkpoint: string | undefined, _options, command: Command) => {
      const { text, isSound } = await verify(await openAt(at, command), checkpoint);
      console.log(text);
      if (!isSound) process.exitCode = 1;
    });
  manifest
    .command("diff")
    .description("tables that came, went and moved from one checkpoint to another")
    .argument("<place>", PLACE)
    .argument("<from>", "number or path")
    .argument("<to>", "number or path")
    .option("--job <name>")
    .action(async (at: string, from: string, to: string, _options, command: Command) => {
      console.log(await diff(await openAt(at, command), from, to));
    });
  return manifest;
}

function openAt(place: string, command: Command): Promise<Place> {
  const { job, token } = command.optsWithGlobals<{ job?: string; token?: string }>();
  const shown = usedToken(token);
  return openPlace(place, { ...(job && { job }), ...(shown !== undefined && { token: shown }) });
}

export async function showAll(place: Place): Promise<string> {
  const table = createTable({ head: ["checkpoint", "status", "path"], colAligns: ["right"] });
  for (const found of await place.manifests()) {
    table.push([found.id, statusOf(found), found.path]);
  }
  return table.toString();
}

export async function show(place: Place, checkpoint: string): Promise<string> {
  const found = await find(place, checkpoint);
  const { manifest, partitions } = await resolveChain(place.blobStore, found.path, environment);
  const head = createTable({});
  head.push(
    ["checkpoint", `${manifest.id} (${manifest.kind}, ${statusOf(found)})`],
    ["path", found.path],
    ["triggered", new Date(manifest.triggeredAt).toISOString()],
    ["generation", manifest.generation],
    ["parent", manifest.parent === null ? "none: it is full" : manifest.parent],
    ["chain", `${manifest.chain.length} manifests`],
    ...manifest.sources.map(({ source, offset }) => [`source ${source}`, `lines before ${offset}`]),
  );
  return [head.toString(), ...partitions.map(partitionTable)].join("\n");
}

export async function verify(
  place: Place,
  checkpoint: string | undefined,
): Promise<{ readonly text: string; readonly isSound: boolean }> {
  const found =
    checkpoint === undefined ? (await place.manifests()).at(-1) : await find(place, checkpoint);
  if (found === undefined) throw new Error("There is no manifest here.");
  const { findings, tables, bytes } = await verifyCheckpoint(place.blobStore, found.path);
  const what = `Checkpoint ${found.id} (${statusOf(found)}, ${found.path})`;
  if (findings.length > 0) {
    const lines = findings.map((finding) => `${pc.red("✗")} ${finding}`);
    return { text: [`${what}: ${findings.length} findings.`, ...lines].join("\n"), isSound: false };
  }
  const read = `${tables} tables, ${formatBytes(bytes)}, every block read`;
  return { text: `${pc.green("✓")} ${what} is sound: ${read}.`, isSound: true };
}

export async function diff(place: Place, from: string, to: string): Promise<string> {
  const before = tablesOf(await resolve(place, from));
  const after = tablesOf(await resolve(place, to));
  const table = createTable({ head: ["change", "partition", "table", "level/run", "size"] });
  for (const [name, { partition, place: at, size, id }] of after) {
    const old = before.get(name);
    if (old === undefined) table.push([pc.green("added"), partition, id, at, formatBytes(size)]);
    else if (old.place !== at) table.push(["moved", partition, id, `${old.place} → ${at}`, ""]);
  }
  for (const [name, { partition, place: at, size, id }] of before) {
    if (!after.has(name)) table.push([pc.red("removed"), partition, id, at, formatBytes(size)]);
  }
  return table.length === 0 ? "They list the same tables." : table.toString();
}

async function resolve(place: Place, checkpoint: string): Promise<ResolvedManifest> {
  const { path } = await find(place, checkpoint);
  return resolveChain(place.blobStore, path, environment);
}

/** By number or path. Throws when there is none, or when several jobs have that number. */
async function find(place: Place, checkpoint: string): Promise<FoundManifest> {
  const all = await place.manifests();
  const isAsked = ({ id, path }: FoundManifest): boolean =>
    String(id) === checkpoint || path === checkpoint;
  let found = all.filter(isAsked);
  if (found.length === 0) found = (await manifestsBelow(place, all)).filter(isAsked);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const known = (found.length > 0 ? found : all).map(({ path }) => path).join(", ");
  const problem = only === undefined ? "There is no checkpoint" : "There are several checkpoints";
  throw new Error(`${problem} ${checkpoint}: name one of ${known || "none"}.`);
}

/** What the newest checkpoint builds on: a server keeps it and does not list it any more. */
async function manifestsBelow(
  { blobStore }: Place,
  listed: readonly FoundManifest[],
): Promise<FoundManifest[]> {
  const newest = listed.at(-1);
  const bytes = newest && (await blobStore.get(newest.path));
  if (bytes === undefined) return [];
  return decodeManifest(bytes, environment, newest!.path).chain.flatMap((path) => {
    const id = idOfManifest(path);
    return id === undefined ? [] : [{ path, id, isConfirmed: true }];
  });
}

function statusOf({ isConfirmed }: FoundManifest): string {
  return isConfirmed ? "confirmed" : pc.yellow("unconfirmed");
}

function partitionTable({ vertex, index, keyGroups, tables, time }: PartitionTables): string {
  const groups = `key groups ${keyGroups.first} to ${keyGroups.last}`;
  const table = createTable({
    head: ["level/run", "entries", "tombstones", "size", "key groups", "object", "offset"],
    colAligns: ["left", "right", "right", "right", "left", "left", "right"],
  });
  for (const { level, run, entries, tombstones, size, keyGroups: clip, ...rest } of tables) {
    const object = rest.inline === undefined ? rest.path : "inline";
    const from = rest.fromKey === undefined ? "" : ` from ${rest.fromKey}`;
    const clipped = `${clip.first}–${clip.last}${from}`;
    table.push([
      `${level}/${run}`,
      entries,
      tombstones,
      formatBytes(size),
      clipped,
      object,
      rest.offset,
    ]);
  }
  return `${pc.bold(`${vertex}/${index}`)}, ${groups}, time ${time}\n${table.toString()}`;
}

interface PlacedTable {
  readonly partition: string;
  readonly id: string;
  readonly place: string;
  readonly size: number;
}

function tablesOf({ partitions }: ResolvedManifest): Map<string, PlacedTable> {
  const found = new Map<string, PlacedTable>();
  for (const { vertex, index, tables } of partitions) {
    const partition = `${vertex}/${index}`;
    for (const table of tables) {
      const { id, size, level, run, fromKey } = table;
      const place = `${level}/${run}${fromKey === undefined ? "" : ` from ${fromKey}`}`;
      found.set(`${partition} ${tableIdentity(table)}`, { partition, id, place, size });
    }
  }
  return found;
}
