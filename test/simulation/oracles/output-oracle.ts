/**
 * Keeps a copy of everything ever committed, as the coordinator's storage and the bucket had it at the
 * moment of the commit.
 *
 * Checks: what was committed never changes and is not deleted; a reader who asks for all of it gets the
 * same bytes; a reader who takes back what a "rewound" mark says has what the checkpoints of the present
 * branch committed.
 */
import type { OutputSegment } from "../../../durable-objects/coordinator-queries.ts";
import type { OutputLine } from "../jobs/simulated-job.ts";
import type { World } from "../world.ts";
import type { Lineage } from "./lineage.ts";

/** A row's number is its checkpoint times this, plus a part. */
const ROWS_PER_CHECKPOINT = 1_000;

interface Row extends Record<string, string | number | Uint8Array | null> {
  readonly number: number;
  readonly segments: string;
  readonly bytes: Uint8Array | null;
}

type Segments =
  | readonly { readonly path?: string; readonly size: number }[]
  | { readonly rewound: { readonly from: number; readonly to: number } };

export class OutputOracle {
  readonly #world: World;
  readonly #lineage: Lineage;
  /** Fingerprints of rows, by number. */
  readonly #rows = new Map<number, string>();
  readonly #byCheckpoint = new Map<number, OutputLine[]>();
  readonly #objects = new Set<string>();
  #lastRow = 0;
  /** What a reader of the feed has who follows the marks; undefined when marks cannot say it. */
  #followed: OutputLine[] | undefined = [];

  constructor(world: World, lineage: Lineage) {
    this.#world = world;
    this.#lineage = lineage;
  }

  get linesCommitted(): number {
    return [...this.#byCheckpoint.values()].reduce((sum, lines) => sum + lines.length, 0);
  }

  /** Call it whenever the coordinator's storage may have changed. */
  follow(): void {
    for (const row of this.#read(this.#lastRow + 1)) {
      this.#lastRow = row.number;
      this.#rows.set(row.number, fingerprintOf(row));
      this.#take(row);
    }
  }

  /** Call it before a DELETE takes effect. */
  deleting(path: string): void {
    if (!this.#objects.has(path)) return;
    this.#world.violations.add(`${path} was deleted, and it holds committed output.`);
  }

  /** What the checkpoints of this one's branch committed, in order. */
  upTo(checkpoint: number): readonly OutputLine[] {
    return this.#lineage.branchOf(checkpoint).flatMap((id) => this.#byCheckpoint.get(id) ?? []);
  }

  /** Whether this object holds committed output. */
  holds(path: string): boolean {
    return this.#objects.has(path);
  }

  /** `feed`: all segments in the order in which somebody outside was told of them. */
  checkTheEnd(feed: readonly OutputSegment[]): void {
    const { violations } = this.#world;
    const now = new Map(this.#read(0).map((row) => [row.number, fingerprintOf(row)]));
    for (const [number, fingerprint] of this.#rows) {
      if (now.get(number) !== fingerprint)
        violations.add(`Row ${number} of the output has changed.`);
    }
    const told = feed.flatMap((segment) =>
      segment.kind === "results" ? this.#linesOf(segment) : [],
    );
    const known = [...this.#byCheckpoint].toSorted(([one], [other]) => one - other);
    const wanted = known.flatMap(([, lines]) => lines);
    if (JSON.stringify(told) !== JSON.stringify(wanted)) {
      violations.add(
        `A reader gets ${told.length} lines of output, not the ${wanted.length} that were committed.`,
      );
    }
    const branch = JSON.stringify(this.upTo(this.#lineage.completed));
    if (this.#followed !== undefined && JSON.stringify(this.#followed) !== branch) {
      violations.add(
        `Who follows the marks in the output does not have what the present branch committed [18].`,
      );
    }
  }

  #read(from: number): Row[] {
    const { storage } = this.#world.object({ kind: "coordinator" });
    return storage.exec<Row>(
      "SELECT number, segments, bytes FROM output WHERE number >= ? ORDER BY number",
      from,
    );
  }

  #take(row: Row): void {
    const checkpoint = Math.floor(row.number / ROWS_PER_CHECKPOINT);
    const segments = JSON.parse(row.segments) as Segments;
    if (!("rewound" in segments)) return this.#takeResults(checkpoint, row, segments);
    const { from, to } = segments.rewound;
    // A start from a checkpoint that an earlier one went back over brings its results back.
    const isOnBranch = to === 0 || this.#lineage.branchOf(from).includes(to);
    this.#followed = isOnBranch
      ? this.#followed?.filter((line) => line.checkpoint <= to)
      : undefined;
  }

  #takeResults(
    checkpoint: number,
    { bytes }: Row,
    segments: readonly { readonly path?: string; readonly size: number }[],
  ): void {
    const lines = this.#byCheckpoint.get(checkpoint) ?? [];
    this.#byCheckpoint.set(checkpoint, lines);
    let offset = 0;
    for (const { path, size } of segments) {
      if (path !== undefined) this.#objects.add(path);
      const held = path === undefined ? bytes?.subarray(offset, offset + size) : this.#object(path);
      if (path === undefined) offset += size;
      const taken = parsed(checkpoint, held ?? new Uint8Array());
      lines.push(...taken);
      this.#followed?.push(...taken);
    }
  }

  #linesOf(segment: OutputSegment & { kind: "results" }): OutputLine[] {
    const { checkpoint, data } = segment;
    const bytes = "inline" in data ? data.inline : this.#object(data.path);
    return parsed(checkpoint, bytes ?? new Uint8Array());
  }

  #object(path: string): Uint8Array | undefined {
    const bytes = this.#world.bucket.read(path);
    if (bytes === undefined) {
      this.#world.violations.add(`Committed output ${path} is not in the bucket.`);
    }
    return bytes;
  }
}

function parsed(checkpoint: number, bytes: Uint8Array): OutputLine[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ checkpoint, ...(JSON.parse(line) as Omit<OutputLine, "checkpoint">) }));
}

function fingerprintOf({ bytes, segments }: Row): string {
  return `${segments} ${bytes === null ? "" : Buffer.from(bytes).toString("base64")}`;
}
