/**
 * Everything needed to use a table without having read a byte of it: where its bytes are, which keys
 * it may hold, where it stands in the version. Plain data: it travels in manifests, acknowledgements
 * and the answer to attach, so that a restore costs metadata only.
 */
export interface TableReference {
  /** Unique within the job, for ever: the path, and the offset for a table packed with others. */
  readonly id: string;
  /** The object that holds the bytes. For an inline table a name of the same form that was never written. */
  readonly path: string;
  /** Where the table begins in the object, bytes. */
  readonly offset: number;
  /** Length of the table, bytes. */
  readonly size: number;
  /** The table's bytes when it travels inside the manifest and has no object of its own. Base64. */
  readonly inline?: string;
  /** 0 is the newest tier; the bottom level holds one sorted run. */
  readonly level: number;
  /** Tables of one sorted run share this number and do not overlap; a higher number is newer within a level. */
  readonly run: number;
  /** The clip: entries of other key groups in the table do not exist for the reader. First and last, both included. */
  readonly keyGroups: KeyGroupRange;
  /**
   * Entries below this key do not exist for the reader (hexadecimal, the key itself included): a compaction
   * that was not done when the checkpoint was taken has put them into a table of its own. Absent for none.
   */
  readonly fromKey?: string;
  /**
   * Bounds of the user keys (key group ‖ state id ‖ key ‖ sub-key) before clipping, hexadecimal, both included. Where
   * `position` is given they are shortened: no key is outside them, and they need not be keys themselves.
   */
  readonly smallestKey: string;
  readonly largestKey: string;
  /**
   * Place among the tables of its run; only where the bounds are shortened (version/key-bounds.ts). Of two
   * tables with the same smallest key the one with the lower position comes first, one without any before both.
   */
  readonly position?: number;
  readonly entries: number;
  readonly tombstones: number;
  /** Key ranges it deletes in older tables; absent for none, and then a scan need not read its tail first. */
  readonly deletedRanges?: number;
  /** Of the entries that expire; absent when none does. */
  readonly expiry?: TableExpiry;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  /** Format version of the bytes (FORMAT.md); with a `fromKey` 2, so that no reader passes over it. */
  readonly formatVersion: number;
  /** Where the index block stands, relative to the table's begin; what follows it up to `size` is filter, properties and footer. */
  readonly indexOffset: number;
}

/** The version of a reference that has a `fromKey`. */
export const NARROWED_FORMAT_VERSION = 2;

/** Times are milliseconds of the engine's time, earliest and latest at which one of these entries expires. */
export interface TableExpiry {
  readonly entries: number;
  readonly earliest: number;
  readonly latest: number;
}

/** Key groups `first` to `last`, both included. */
export interface KeyGroupRange {
  readonly first: number;
  readonly last: number;
}
