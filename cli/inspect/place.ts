/**
 * Where checkpoints are looked at: a folder (the copy of a bucket), or a running server, which is asked over
 * its public HTTP interface. Nothing is ever written.
 */
import { stat } from "node:fs/promises";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { HttpBlobStore, decodeManifest } from "../../state-engine/index.ts";
import { FolderBlobStore } from "../folder-blob-store.ts";
import { authorization, fetchAnswer } from "./fetch-answer.ts";
import { nodeEnvironment } from "./node-environment.ts";

export interface FoundManifest {
  readonly path: string;
  readonly id: number;
  /**
   * Whether its checkpoint is known to have completed. A server knows. In a folder a manifest is known by a
   * later one that builds on it; a newer one than any such may be a stray [33].
   */
  readonly isConfirmed: boolean;
}

export interface Place {
  readonly blobStore: BlobStore;
  /** Oldest first. */
  manifests(): Promise<readonly FoundManifest[]>;
}

export interface PlaceOptions {
  /** Of a server: its job. In a folder: only manifests below a folder of this name. */
  readonly job?: string;
  readonly token?: string;
}

const environment = nodeEnvironment();

export async function openPlace(place: string, options: PlaceOptions): Promise<Place> {
  if (/^https?:\/\//.test(place)) return openServer(place.replace(/\/$/, ""), options);
  const found = await stat(place).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new Error(
      `${place} is no folder: name a folder with a bucket's blobs, or a server's URL.`,
    );
  }
  const blobStore = new FolderBlobStore(place);
  return { blobStore, manifests: () => listFolder(blobStore, options.job) };
}

async function listFolder(blobStore: BlobStore, job?: string): Promise<FoundManifest[]> {
  const found: { path: string; id: number }[] = [];
  const builtUpon = new Set<string>();
  for (const { path } of await blobStore.list("")) {
    const id = idOfManifest(path);
    if (id === undefined || (job !== undefined && !path.split("/").includes(job))) continue;
    found.push({ path, id });
    const bytes = await blobStore.get(path);
    try {
      for (const older of decodeManifest(bytes!, environment, path).chain) builtUpon.add(older);
    } catch {
      // Damage is for `verify` to say; a manifest that cannot be read confirms nothing.
    }
  }
  const confirmed = new Map<string, number>();
  for (const { path, id } of found) {
    if (!builtUpon.has(path)) continue;
    confirmed.set(jobOf(path), Math.max(id, confirmed.get(jobOf(path)) ?? 0));
  }
  return found
    .map(({ path, id }) => ({ path, id, isConfirmed: id <= (confirmed.get(jobOf(path)) ?? -1) }))
    .sort((left, right) => left.id - right.id);
}

/** The checkpoint whose manifest has this path; undefined when the path is none of a manifest. */
export function idOfManifest(path: string): number | undefined {
  const [, id] = /(?:^|\/)(?:chk|sav|savepoint)-(\d+)\/manifest\.json$/.exec(path) ?? [];
  return id === undefined ? undefined : Number(id);
}

/** Everything of one incarnation of a job is below one folder. */
function jobOf(path: string): string {
  return path.split("/").slice(0, -2).join("/");
}

function openServer(url: string, { job, token }: PlaceOptions): Place {
  if (job === undefined) throw new Error(`Say which job of ${url} with --job.`);
  const jobUrl = `${url}/jobs/${encodeURIComponent(job)}`;
  const headers = authorization(token);
  const blobStore = new HttpBlobStore({ baseUrl: `${jobUrl}/blobs/`, fetch, headers });
  return { blobStore, manifests: () => listServer(`${jobUrl}/checkpoints`, token) };
}

async function listServer(url: string, token: string | undefined): Promise<FoundManifest[]> {
  const answer = await fetchAnswer(url, token);
  const { history } = (await answer.json()) as { history: readonly CheckpointItem[] };
  return history
    .flatMap(({ id, status, external_path: path, discarded }) =>
      path === undefined || discarded === true
        ? []
        : [{ id, path, isConfirmed: status === "COMPLETED" }],
    )
    .sort((left, right) => left.id - right.id);
}

interface CheckpointItem {
  readonly id: number;
  readonly status: string;
  readonly external_path?: string;
  readonly discarded?: boolean;
}
