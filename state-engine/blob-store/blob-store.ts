/**
 * The one seam between the engine and durable storage: named, immutable blobs.
 *
 * Contract, checked by test/contract/blob-store.ts on every implementation:
 * - A path is 1 to 1,024 bytes of `A-Za-z0-9._/-` in segments of at most 255 bytes, none of them empty,
 *   "." or ".." (paths.ts). No path is the folder of another: with `a/b` there is no blob `a`. put refuses
 *   what is no path; the other calls refuse it or answer that there is no such blob.
 * - A path names the same bytes for as long as it exists, so a blob may be cached for ever. put replaces
 *   what is there, but only its owner puts to a path, and only to repeat itself.
 * - put is atomic: a reader sees the whole blob or none of it, and sees it once put has resolved.
 * - put with `ifAbsent` creates or answers "exists"; it never replaces, and of several at once one
 *   creates. After a rejected put the outcome is unknown: the blob may exist, now or later. Read it back
 *   before deciding anything.
 * - get and getRange answer undefined for a blob that does not exist. A range is clipped to the end
 *   of the blob; one that begins at or beyond the end answers zero bytes. Offset and length are integers
 *   of 0 and more.
 * - list answers every blob whose path begins with the prefix, in ascending order of path (by UTF-16 code
 *   unit, which for the allowed characters is byte order), however many pages the store needs for it.
 *   The empty prefix lists everything.
 * - delete is idempotent, takes any number of paths, and resolves once none of them is readable.
 * - Answers are fresh arrays: the caller may keep and change them. What was put may be changed once put
 *   has resolved.
 * - Anything the world does wrong rejects with StateEngineError of kind "unavailable"; what a store cannot
 *   do at all (a path it must refuse, a write to a read-only one) with kind "invalid".
 */
export interface BlobStore {
  get(path: string): Promise<Uint8Array | undefined>;
  getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists">;
  list(prefix: string): Promise<readonly BlobEntry[]>;
  delete(paths: readonly string[]): Promise<void>;
}

export interface PutOptions {
  /** Create only: answer "exists" and change nothing when the path is taken. */
  readonly ifAbsent?: boolean;
}

export interface BlobEntry {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch at which the blob was written, by the store's clock. */
  readonly writtenAt: number;
}
