/**
 * Writes the golden files of checkpoints that stand in the middle of a compaction, of keys longer than a
 * bound, into test/fixtures/format-v2/:
 *
 *   node test/state-engine/golden/write-narrowed-golden-files.ts
 *
 * Run once. It refuses to replace files that are there: what was released is read for ever and never written
 * again.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FolderBlobStore } from "../../../cli/folder-blob-store.ts";
import {
  StateEngine,
  encodeManifest,
  planManifest,
  stateKey,
} from "../../../state-engine/index.ts";
import type { Manifest, PreviousManifest } from "../../../state-engine/index.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { PLAIN_STATE, mergeOperators } from "../engine-fixture.ts";
import { NARROWED_FIXTURES } from "./golden-files.ts";
import type { GoldenCheckpoint } from "./golden-files.ts";

const PREFIX = "golden/0123456789abcdef";
const KEY_GROUPS = { first: 0, last: 3 };
const KEYS = 80;
const text = new TextEncoder();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

if (existsSync(NARROWED_FIXTURES)) {
  throw new Error(`${NARROWED_FIXTURES} is there: golden files are never replaced.`);
}
const environment = createNodeEnvironment({ now: () => 1_000, random: new SeededRandom(1) });
const blobStore = new FolderBlobStore(NARROWED_FIXTURES);
let objects = 0;
const engine = StateEngine.open({
  environment,
  blobStore,
  keyGroups: KEY_GROUPS,
  tables: [],
  sequence: 0,
  mergeOperators,
  uploads: { nextPath: () => `${PREFIX}/p0-${objects++}.sst`, note: () => undefined },
  tuning: {
    compression: "deflate-raw",
    blockBytes: 512,
    tableBytes: 450,
    maintainBytes: 128,
    memtableEntries: KEYS,
    quietCompactionRatio: 1,
  },
});
const model = new Map<string, string>();
const checkpoints: GoldenCheckpoint[] = [];
let previous: PreviousManifest | undefined;
await writeAll();

async function writeAll(): Promise<void> {
  for (let number = 0; number < KEYS; number++) put(number, `first value of ${number}`);
  while (await engine.maintain());
  await publish("checkpoint");
  for (let round = 0; round < 4; round++) {
    for (let number = round; number < KEYS; number += 5) put(number, `round ${round}, ${number}`);
    remove(round * 7);
    engine.discard(engine.freeze());
    await engine.maintain();
  }
  await finishTables(4);
  await publish("checkpoint");
  await finishTables(3);
  await publish("checkpoint");
  await publish("savepoint");
  while (await engine.maintain());
  await publish("checkpoint");
  engine.close();
  await mkdir(NARROWED_FIXTURES, { recursive: true });
  const lines = checkpoints.map((checkpoint) => JSON.stringify(checkpoint));
  await writeFile(join(NARROWED_FIXTURES, "contents.ndjson"), `${lines.join("\n")}\n`);
}

/** Half of the keys of each key group are longer than any bound, and differ only behind it. */
function keyOf(number: number): Uint8Array {
  const name = `${"k".repeat((number >> 2) % 2 === 0 ? 300 : 3)}/${String(number).padStart(3, "0")}`;
  return stateKey(number % 4, PLAIN_STATE, text.encode(name));
}

function put(number: number, words: string): void {
  const [key, value] = [keyOf(number), text.encode(words)];
  engine.put(key, 0, key.length, value, 0, value.length);
  model.set(hex(key), hex(value));
}

function remove(number: number): void {
  const key = keyOf(number);
  engine.delete(key, 0, key.length);
  model.delete(hex(key));
}

/** Works until the compaction under way has finished so many tables more. */
async function finishTables(count: number): Promise<void> {
  const { compactions } = engine.statistics().operations;
  for (let finished = 0; finished < count;) {
    const { compactedBytes } = engine.statistics().operations;
    await engine.maintain();
    const { operations } = engine.statistics();
    if (operations.compactedBytes > compactedBytes) finished++;
    if (operations.compactions > compactions) {
      throw new Error("The compaction came to its end: there is nothing to show.");
    }
  }
}

async function publish(kind: Manifest["kind"]): Promise<void> {
  const id = checkpoints.length + 1;
  const path = `${PREFIX}/chk-${id}/manifest.json`;
  // A checkpoint without a write lists what the one before does.
  put(1, `written for checkpoint ${id}`);
  const state = await engine.persist(engine.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
  engine.confirm(state);
  const { tables, sequence } = state;
  const place = { vertex: "counts", index: 0, keyGroups: KEY_GROUPS, time: 0, watermarks: {} };
  const partitions = [{ ...place, tables, sequence }];
  const { manifest, fullTables, deltaTables } = planManifest({
    id,
    kind,
    job: "golden",
    generation: 1,
    nonce: `nonce-${id}`,
    triggeredAt: 1_700_000_000_000 + id,
    maxParallelism: 4,
    sources: [{ source: 0, offset: id * 100, watermark: null }],
    partitions,
    // Deltas here list more than the first manifest does: the rule of half is not what is shown.
    previous: previous && { ...previous, fullTables: 1_000 },
  });
  await blobStore.put(path, encodeManifest(manifest, environment));
  previous = { id, path, chain: manifest.chain, fullTables, deltaTables, partitions };
  const entries = [...model].sort(([left], [right]) => (left < right ? -1 : 1));
  const { formatVersion, parent } = manifest;
  const offsets = manifest.sources.map(({ offset }) => offset);
  checkpoints.push({
    path,
    formatVersion,
    id,
    kind,
    parent,
    offsets,
    partitions: [{ index: 0, time: 0, entries }],
  });
}
