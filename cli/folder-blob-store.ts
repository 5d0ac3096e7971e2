/**
 * BlobStore in a folder of the file system: one file per blob, at the blob's path, so that a copy of a
 * bucket (`rclone sync`, `aws s3 sync`) is one.
 *
 * Promise: the contract of state-engine/blob-store/blob-store.ts, between processes too; what put has
 * resolved is on disk (file and directories are synced) and survives a power cut.
 * Needs a file system with hard links and, when paths differ in case alone, one that tells case apart.
 * Does not remove directories that became empty, nor what a crash left in `~writing` (no blob can have
 * that name; it may be removed whenever nothing writes).
 */
import { randomUUID } from "node:crypto";
import type { Dirent, Stats } from "node:fs";
import { link, mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { BlobEntry, BlobStore, PutOptions } from "../state-engine/blob-store/blob-store.ts";
import { assertBlobPath, StateEngineError } from "../state-engine/index.ts";

/** `~` is not allowed in the path of a blob. */
const WRITING_DIRECTORY = "~writing";

export class FolderBlobStore implements BlobStore {
  readonly #root: string;

  /** The folder is created by the first put. */
  constructor(folder: string) {
    this.#root = resolve(folder);
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await this.#do(`reading ${path}`, async () => {
      const file = this.#fileOf(path);
      return await undefinedIfAbsent(async () => ownBytes(await readFile(file)));
    });
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return await this.#do(`reading ${length} bytes at ${offset} of ${path}`, async () => {
      const file = this.#fileOf(path);
      return await undefinedIfAbsent(() => readRange(file, offset, length));
    });
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    return await this.#do(`writing ${path}`, async () => {
      const file = this.#fileOf(path);
      const writing = join(this.#root, WRITING_DIRECTORY, randomUUID());
      await createDirectory(dirname(writing));
      try {
        await writeSynced(writing, bytes);
        await createDirectory(dirname(file));
        if (!options?.ifAbsent) await rename(writing, file);
        else if (!(await linkIfAbsent(writing, file))) return "exists";
      } finally {
        // Gone already after a rename.
        await undefinedIfAbsent(() => unlink(writing));
      }
      await syncDirectory(dirname(file));
      return "written";
    });
  }

  async list(prefix: string): Promise<readonly BlobEntry[]> {
    return await this.#do(`listing ${prefix}`, async () => {
      const entries: BlobEntry[] = [];
      await this.#collect("", prefix, entries);
      return entries.sort((left, right) => (left.path < right.path ? -1 : 1));
    });
  }

  async delete(paths: readonly string[]): Promise<void> {
    await this.#do(`deleting ${paths.length} blobs`, async () => {
      for (const path of paths) {
        const file = this.#fileOf(path);
        await undefinedIfAbsent(() => unlink(file));
      }
    });
  }

  /** The blobs below one directory (its path with the last slash, or "") that the prefix allows. */
  async #collect(directory: string, prefix: string, entries: BlobEntry[]): Promise<void> {
    const found = await undefinedIfAbsent(() =>
      readdir(join(this.#root, directory), { withFileTypes: true }),
    );
    await Promise.all((found ?? []).map((entry) => this.#add(directory, entry, prefix, entries)));
  }

  async #add(
    directory: string,
    entry: Dirent,
    prefix: string,
    entries: BlobEntry[],
  ): Promise<void> {
    // What nobody could have put is no blob, nor holds any.
    if (!/^[A-Za-z0-9._-]+$/.test(entry.name)) return;
    const path = `${directory}${entry.name}`;
    if (entry.isDirectory()) {
      const below = `${path}/`;
      const canHold = below.startsWith(prefix) || prefix.startsWith(below);
      if (canHold) await this.#collect(below, prefix, entries);
    } else if (entry.isFile() && path.startsWith(prefix)) {
      // Undefined when it was deleted meanwhile.
      const status = await undefinedIfAbsent(() => stat(join(this.#root, path)));
      if (status !== undefined) entries.push(describe(path, status));
    }
  }

  /** Never a file outside the folder: a path has no segment "..". */
  #fileOf(path: string): string {
    assertBlobPath(path);
    return join(this.#root, path);
  }

  async #do<Result>(doing: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof StateEngineError) throw cause;
      const message = `The folder ${this.#root} failed while ${doing}.`;
      throw new StateEngineError("unavailable", message, { cause });
    }
  }
}

function describe(path: string, { size, mtimeMs }: Stats): BlobEntry {
  return { path, size, writtenAt: Math.floor(mtimeMs) };
}

async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  await using handle = await open(file);
  const status = await handle.stat();
  if (status.isDirectory()) throw absent(file);
  const bytes = new Uint8Array(Math.max(0, Math.min(length, status.size - offset)));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0)
      throw new Error(`The file ended at byte ${offset + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, "wx");
  await handle.writeFile(bytes);
  await handle.sync();
}

/** False when there is such a file. A link is made as a whole or not at all, unlike an exclusive open. */
async function linkIfAbsent(existing: string, file: string): Promise<boolean> {
  try {
    await link(existing, file);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if ((await stat(file)).isDirectory()) {
      throw new StateEngineError("invalid", `${file} is a directory: it holds other blobs.`, {
        cause: error,
      });
    }
    return false;
  }
}

/** Synced up to the directory that was there before, so that a power cut loses no name on the way. */
async function createDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let created = directory; created.length >= first.length; created = dirname(created)) {
    await syncDirectory(dirname(created));
  }
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory);
  await handle.sync();
}

/** Undefined when a file or a directory on the way is not there, or a directory stands in its place. */
async function undefinedIfAbsent<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function absent(file: string): Error {
  return Object.assign(new Error(`${file} is a directory.`), { code: "EISDIR" });
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | undefined)?.code);
}

/** A plain array with a buffer of its own: small Buffers share one. */
function ownBytes(buffer: Uint8Array): Uint8Array {
  return buffer.buffer.byteLength === buffer.length
    ? new Uint8Array(buffer.buffer)
    : new Uint8Array(buffer);
}
