/**
 * Writes the golden files of the current format version into test/fixtures/format-v<version>/:
 *
 *   node test/state-engine/golden/write-golden-files.ts
 *
 * Run once for each format version, by the code that introduces it. It refuses to replace files that are
 * there: files of a version that was released are read for ever and never written again.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FolderBlobStore } from "../../../cli/folder-blob-store.ts";
import {
  MANIFEST_FORMAT_VERSION,
  StateEngine,
  encodeManifest,
  planManifest,
} from "../../../state-engine/index.ts";
import type {
  Manifest,
  PartitionTables,
  PlannedManifest,
  PreviousManifest,
} from "../../../state-engine/index.ts";
import type { CompressionName } from "../../../state-engine/environment.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { mergeOperators } from "../engine-fixture.ts";
import { GoldenPartition } from "./golden-partition.ts";
import { FIXTURES } from "./golden-files.ts";
import type { GoldenCheckpoint } from "./golden-files.ts";

const PREFIX = "golden/0123456789abcdef";
const CODECS: readonly (CompressionName | "none")[] = ["none", "deflate-raw", "zstd"];
const PARTITIONS = CODECS.map((compression, index) => ({
  compression,
  index,
  keyGroups: { first: index * 2, last: index * 2 + 1 },
}));

if (existsSync(FIXTURES)) throw new Error(`${FIXTURES} is there: golden files are never replaced.`);
const environment = createNodeEnvironment({ now: () => 1_000, random: new SeededRandom(1) });
const blobStore = new FolderBlobStore(FIXTURES);
const checkpoints: GoldenCheckpoint[] = [];
let previous: PreviousManifest | undefined;
await writeAll();

async function writeAll(): Promise<void> {
  const partitions = PARTITIONS.map((partition) => new GoldenPartition(open(partition), partition));
  for (const partition of partitions) partition.fill();
  await publish(1, await persist(partitions, 0));
  for (const partition of partitions) partition.change();
  await publish(2, await persist(partitions, 20_480));
  await publish(3, movedDown(previous!.partitions));
  for (const partition of partitions) await partition.rewrite();
  await publish(4, await persist(partitions, 0));
  await publish(5, await persist(partitions, 20_480), "savepoint");
  await mkdir(FIXTURES, { recursive: true });
  const lines = checkpoints.map((checkpoint) => JSON.stringify(checkpoint));
  await writeFile(join(FIXTURES, "contents.ndjson"), `${lines.join("\n")}\n`);
}

function open({ compression, keyGroups, index }: (typeof PARTITIONS)[number]): StateEngine {
  let objects = 0;
  return StateEngine.open({
    environment,
    blobStore,
    keyGroups,
    tables: [],
    sequence: 0,
    mergeOperators,
    uploads: { nextPath: () => `${PREFIX}/p${index}-${objects++}.sst`, note: () => undefined },
    tuning: { compression, blockBytes: 512, filterMinimumEntries: 32, tableBytes: 2_048 },
  });
}

async function persist(
  partitions: readonly GoldenPartition[],
  inlineLimitBytes: number,
): Promise<PartitionTables[]> {
  const all: PartitionTables[] = [];
  for (const partition of partitions) all.push(await partition.persist(inlineLimitBytes));
  return all;
}

/** The newest run of each partition one level down, as after a trivial move. */
function movedDown(partitions: readonly PartitionTables[]): PartitionTables[] {
  return partitions.map((partition) => ({
    ...partition,
    tables: partition.tables.map((table) => (table.level === 0 ? { ...table, level: 1 } : table)),
  }));
}

async function publish(
  id: number,
  partitions: readonly PartitionTables[],
  kind: Manifest["kind"] = "checkpoint",
): Promise<void> {
  const path = `${PREFIX}/chk-${id}/manifest.json`;
  const planned: PlannedManifest = planManifest({
    id,
    kind,
    job: "golden",
    generation: 1,
    nonce: `nonce-${id}`,
    triggeredAt: 1_700_000_000_000 + id,
    maxParallelism: 6,
    sources: [
      { source: 0, offset: id * 100, watermark: null },
      { source: 1, offset: id * 200, watermark: JSON.stringify({ at: id }) },
    ],
    partitions,
    // Deltas here list more than the first manifest does: the rule of half is not what is shown.
    previous: previous && { ...previous, fullTables: 1_000 },
  });
  const { manifest } = planned;
  await blobStore.put(path, encodeManifest(manifest, environment));
  previous = {
    id,
    path,
    chain: manifest.chain,
    fullTables: planned.fullTables,
    deltaTables: planned.deltaTables,
    partitions,
  };
  checkpoints.push({
    path,
    formatVersion: MANIFEST_FORMAT_VERSION,
    id,
    kind,
    parent: manifest.parent,
    offsets: manifest.sources.map(({ offset }) => offset),
    partitions: partitions.map(({ index, time }) => ({
      index,
      time,
      entries: GoldenPartition.contents(index, id),
    })),
  });
}
