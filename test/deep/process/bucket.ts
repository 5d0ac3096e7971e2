/**
 * The bucket against the coordinator's list of retained checkpoints: chains add no table twice, hold
 * every table of the state they restore, and nothing else is left after the sweep. Chains are resolved
 * here a second time, independently of the product's code.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Manifest } from "../../../state-engine/index.ts";
import type { RuntimeStorage } from "../../support/runtime-storage.ts";
import { assertThat } from "./proof-job.ts";

const QUIET_WITHIN_MS = 30_000;

export interface BucketFacts {
  readonly objects: number;
  /** Manifests from the last full one to the latest. */
  readonly chainLength: number;
  /** Tables that the latest checkpoint restores. */
  readonly tables: number;
}

/**
 * Checks everything in the bucket, again and again while the sweep may still be under way. Not until all
 * alarms are gone: what a kill left open is deleted a second time minutes later, for a PUT that lands late.
 */
export async function assertSoundBucket(storage: RuntimeStorage): Promise<BucketFacts> {
  const giveUpAt = performance.now() + QUIET_WITHIN_MS;
  for (;;) {
    try {
      return checkBucket(storage);
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await wait(100);
    }
  }
}

function checkBucket(storage: RuntimeStorage): BucketFacts {
  const retained = storage
    .rows<{ data: string }>("Coordinator", "retained")
    .map(({ data }) => JSON.parse(data) as { readonly id: number; readonly path: string });
  assertThat(retained.length > 0, "The coordinator retains no checkpoint.");
  const needed = new Set<string>();
  let facts = { chainLength: 0, tables: 0 };
  for (const { id, path } of retained) {
    const manifest = manifestAt(storage, path);
    assertThat(manifest.id === id, `The manifest of checkpoint ${id} says it is ${manifest.id}.`);
    const links = [...manifest.chain, path];
    for (const link of links) needed.add(link);
    const tables = tablesAlong(links.map((link) => manifestAt(storage, link)));
    for (const tablePath of tables.values()) if (tablePath !== "inline") needed.add(tablePath);
    facts = { chainLength: links.length, tables: tables.size };
  }
  for (const path of outputObjects(storage)) needed.add(path);
  const stored = new Set(storage.objects().map(({ path }) => path));
  const missing = [...needed].filter((path) => !stored.has(path));
  assertThat(missing.length === 0, `Retained checkpoints need ${missing.join(", ")}: not there.`);
  const left = [...stored].filter((path) => !needed.has(path));
  assertThat(left.length === 0, `No retained checkpoint needs ${left.join(", ")}: still there.`);
  return { objects: stored.size, ...facts };
}

/** Resolves once no object has an alarm set: the sweep is one of the things alarms are for. */
export async function quiet(storage: RuntimeStorage): Promise<void> {
  const giveUpAt = performance.now() + QUIET_WITHIN_MS;
  for (;;) {
    const alarms = storage.alarms();
    if (alarms.length === 0) return;
    assertThat(
      performance.now() < giveUpAt,
      `The job is not quiet after ${QUIET_WITHIN_MS} ms: ${JSON.stringify(alarms)}.`,
    );
    await wait(50);
  }
}

/** Objects of committed output that is kept: it outlives its checkpoint. */
function outputObjects(storage: RuntimeStorage): string[] {
  return storage
    .rows<{ segments: string }>("Coordinator", "output")
    .flatMap(({ segments }) => JSON.parse(segments) as { readonly path?: string }[])
    .flatMap(({ path }) => path ?? []);
}

/** Where each table is that the last manifest restores, by partition and table. */
function tablesAlong(manifests: readonly Manifest[]): ReadonlyMap<string, string> {
  const everAdded = new Set<string>();
  const tables = new Map<string, string>();
  let parent: number | null = null;
  for (const manifest of manifests) {
    assertThat(
      manifest.parent === parent,
      `Manifest ${manifest.id} has parent ${manifest.parent}, but follows ${parent}.`,
    );
    parent = manifest.id;
    for (const { vertex, index, added, removed } of manifest.partitions) {
      for (const identity of removed) {
        const known = tables.delete(`${vertex}/${index} ${identity}`);
        assertThat(known, `Manifest ${manifest.id} removes ${identity}, which is not there.`);
      }
      for (const { id, keyGroups, path, inline } of added) {
        const name = `${vertex}/${index} ${id}@${keyGroups.first}-${keyGroups.last}`;
        assertThat(!everAdded.has(name), `Manifest ${manifest.id} adds ${name} a second time.`);
        everAdded.add(name);
        tables.set(name, inline === undefined ? path : "inline");
      }
    }
  }
  return tables;
}

function manifestAt(storage: RuntimeStorage, path: string): Manifest {
  return JSON.parse(new TextDecoder().decode(storage.read(path))) as Manifest;
}
