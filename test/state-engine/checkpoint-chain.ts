/**
 * Completed checkpoints as a bucket keeps them: each in a manifest, a delta where one is planned, found again
 * through its chain and read without an engine.
 */
import assert from "node:assert/strict";
import {
  MemoryBlobStore,
  encodeManifest,
  openReadOnly,
  planManifest,
  resolveChain,
  tableIdentity,
} from "../../state-engine/index.ts";
import type {
  BlobStore,
  Environment,
  PersistedState,
  PreviousManifest,
  ReadOnlyStateEngine,
  ScanEntry,
  ScanPage,
  TableReference,
} from "../../state-engine/index.ts";
import { mergeOperators } from "./engine-fixture.ts";

const keyGroups = { first: 0, last: 7 };

export class CheckpointChain {
  readonly #environment: Environment;
  readonly #manifests: BlobStore;
  #previous: PreviousManifest | undefined;
  #id = 0;
  /** Manifests that name a parent. */
  deltas = 0;
  /** Where deltas moved tables to: levels, and whether only a part of the table is left there. */
  readonly moves = new Set<string>();

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#manifests = new MemoryBlobStore(environment);
  }

  /** Writes the checkpoint's manifest, reads it with its chain, and answers the tables it comes to. */
  async complete(
    persisted: Pick<PersistedState, "tables" | "sequence">,
    time: number,
  ): Promise<readonly TableReference[]> {
    const id = ++this.#id;
    const { tables, sequence } = persisted;
    const partition = { vertex: "v", index: 0, keyGroups, tables, sequence, time, watermarks: {} };
    const { manifest, deltaTables } = planManifest({
      id,
      kind: "checkpoint",
      job: "job",
      generation: 1,
      nonce: `nonce-${id}`,
      triggeredAt: id,
      maxParallelism: 8,
      sources: [],
      partitions: [partition],
      previous: this.#previous,
    });
    const path = `chk-${id}/manifest.json`;
    await this.#manifests.put(path, encodeManifest(manifest, this.#environment));
    const { partitions } = await resolveChain(this.#manifests, path, this.#environment);
    const [resolved] = partitions;
    assert.deepEqual(
      { ...resolved, tables: byIdentity(resolved!.tables) },
      {
        ...partition,
        tables: byIdentity(tables),
      },
    );
    if (manifest.parent !== null) this.deltas++;
    for (const { level, fromKey } of manifest.partitions.flatMap(({ moved }) => moved)) {
      this.moves.add(`${level}${fromKey === undefined ? "" : " in part"}`);
    }
    const { chain } = manifest;
    // As after a full manifest of so many tables that the next ones are deltas, as long as chains may be.
    const fullTables = Number.MAX_SAFE_INTEGER;
    this.#previous = { id, path, chain, fullTables, deltaTables, partitions: [partition] };
    return resolved!.tables;
  }
}

function byIdentity(tables: readonly TableReference[]): readonly TableReference[] {
  return [...tables].sort((left, right) => (tableIdentity(left) < tableIdentity(right) ? -1 : 1));
}

export interface CheckpointContent {
  /** In order of key. */
  readonly forward: readonly ScanEntry[];
  /** In falling order of key. */
  readonly reverse: readonly ScanEntry[];
  readonly values: readonly (Uint8Array | undefined)[];
}

/** All entries, by pages from either end, and the values of the keys. */
export async function readCheckpoint(
  environment: Environment,
  blobStore: BlobStore,
  tables: readonly TableReference[],
  time: number,
  keys: readonly Uint8Array[],
): Promise<CheckpointContent> {
  const options = { environment, blobStore, tables, keyGroups, mergeOperators, time };
  const reader = openReadOnly(options);
  try {
    const forward = await allPages(reader, false);
    const reverse = await allPages(reader, true);
    return { forward, reverse, values: await reader.getMany(keys) };
  } finally {
    reader.close();
  }
}

async function allPages(reader: ReadOnlyStateEngine, reverse: boolean): Promise<ScanEntry[]> {
  const entries: ScanEntry[] = [];
  let next: { start?: Uint8Array; end?: Uint8Array } | undefined = {};
  while (next !== undefined) {
    const page: ScanPage = await reader.scan({ ...next, reverse, limit: 13 });
    entries.push(...page.entries);
    next = page.next;
  }
  return entries;
}
