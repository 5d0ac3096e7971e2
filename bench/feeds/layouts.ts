/** How the same lines can lie in a bucket: one job of the benchmark each, of this name. */
export interface Layout {
  readonly name: string;
  readonly compression: "none" | "gzip" | "zstd";
  /** Objects the text is cut into. */
  readonly objects: number;
}

export const layouts: readonly Layout[] = [
  { name: "plain", compression: "none", objects: 3 },
  { name: "gzip", compression: "gzip", objects: 3 },
  { name: "zstd", compression: "zstd", objects: 3 },
  { name: "small", compression: "none", objects: 1_000 },
];
