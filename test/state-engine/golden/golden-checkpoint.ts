/** What contents.ndjson of a folder of golden files says of one checkpoint. */
export interface GoldenCheckpoint {
  /** Of its manifest, in the folder. */
  readonly path: string;
  readonly formatVersion: number;
  readonly id: number;
  readonly kind: "checkpoint" | "savepoint";
  readonly parent: number | null;
  readonly offsets: readonly number[];
  readonly partitions: readonly {
    readonly index: number;
    readonly time: number;
    /** Keys and values, hexadecimal, in order of key. */
    readonly entries: readonly (readonly [key: string, value: string])[];
  }[];
}
