/**
 * The index of committed output [7, 17, 18]: one row per completed checkpoint that had any, written in
 * the transaction that moves the pointer, so that the pointer is the commit. Bytes that came inline are
 * in the row, larger ones in objects that the row names. Nothing here ever changes; it ends with its
 * own retention, and sweeping tables does not touch it.
 *
 * Order of commit: by checkpoint, then by task, then by the barrier interval they were emitted in.
 */
import type {
  CommittedOutput,
  OutputCommit,
  OutputRequest,
  OutputSegment,
} from "../coordinator-queries.ts";
import type { Coordination } from "./coordination.ts";
import { forgetParked, oldestUncommitted } from "./commits.ts";
import { makeDue } from "./due-list.ts";
import { taskName, tasksOf, type JobRecord } from "./job-record.ts";
import { joined } from "./joined.ts";
import { outputObjects, type StoredSegment } from "./output-segments.ts";

/** A row's number is its checkpoint times this, plus its part: rewinds first, then output. */
const partsPerCheckpoint = 1_000;
const firstOutputPart = 100;
/** A value of more than 2 MB is refused by the platform. */
const largestRowBytes = 1_500_000;
/** An answer ends after the row with which its inline bytes pass this, or after this many segments [41]. */
const answerBytes = 1024 * 1024;
const answerSegments = 1_000;
const answerCommits = 1_000;
/** Rows deleted in one transaction. */
const prunedAtOnce = 500;
/** Expired rows are collected at least this long, so that an hour of checkpoints costs one alarm. */
const pruneEveryMs = 3_600_000;

/**
 * Commits what the acknowledgements of the pending checkpoint hold, in the transaction of its
 * completion; false when they hold nothing.
 */
export function commitOutput(house: Coordination, record: JobRecord, now: number): boolean {
  const { job, registry, rows, store } = house;
  const { id } = record.pending!;
  const byTask = rows.acknowledgedOutput(id);
  let part = firstOutputPart;
  let segments: StoredSegment[] = [];
  let bytes: Uint8Array[] = [];
  let size = 0;
  const write = (): void => {
    if (segments.length === 0) return;
    store.write(
      "INSERT INTO output (number, committed_at, records, segments, bytes) VALUES (?, ?, ?, ?, ?)",
      id * partsPerCheckpoint + part++,
      now,
      segments.reduce((sum, { records }) => sum + records, 0),
      JSON.stringify(segments),
      joined(bytes),
    );
    segments = [];
    bytes = [];
    size = 0;
  };
  for (const task of tasksOf(job, record.shape)) {
    const output = byTask.get(taskName(task));
    if (output === undefined || output.segments.length === 0) continue;
    if (size + output.bytes.length > largestRowBytes) write();
    segments.push(...output.segments);
    bytes.push(output.bytes);
    size += output.bytes.length;
    registry.keepOutput(outputObjects(output.segments), id);
  }
  write();
  if (part === firstOutputPart) return false;
  schedulePrune(house, record, now);
  return true;
}

/** The segments one checkpoint committed, row by row as they are asked for. */
export function* outputOf({ store }: Coordination, checkpoint: number): Generator<OutputSegment> {
  for (let number = checkpoint * partsPerCheckpoint + firstOutputPart; ; number++) {
    const [row] = store.read<OutputRow>(
      "SELECT number, segments, bytes FROM output WHERE number = ?",
      number,
    );
    if (row === undefined) return;
    yield* segmentsOf(row);
  }
}

/** When the output of a checkpoint was committed. */
export function committedAt({ store }: Coordination, checkpoint: number): number {
  const [row] = store.read<{ committed_at: number }>(
    "SELECT committed_at FROM output WHERE number = ?",
    checkpoint * partsPerCheckpoint + firstOutputPart,
  );
  if (row !== undefined) return row.committed_at;
  throw new Error(`The output of checkpoint ${checkpoint} is gone before every sink had it.`);
}

/**
 * The job was started from another checkpoint than its latest: what follows in the feed follows on that
 * one, and repeats lines of what came after it [18]. That may be one which an earlier start went back over.
 */
export function noteRewind({ context, store }: Coordination, record: JobRecord, to: number): void {
  const [last] = store.read<{ number: number | null }>("SELECT MAX(number) AS number FROM output");
  if ((last?.number ?? 0) < to * partsPerCheckpoint) return;
  const first = record.nextCheckpoint * partsPerCheckpoint;
  store.write(
    "INSERT INTO output (number, committed_at, records, segments) VALUES (?, ?, 0, ?)",
    Math.max(first, (last?.number ?? 0) + 1),
    context.environment.now(),
    JSON.stringify({ rewound: { from: record.completed, to } }),
  );
}

interface OutputRow extends Record<string, string | number | Uint8Array | null> {
  readonly number: number;
  readonly segments: string;
  readonly bytes: Uint8Array | null;
}

/** `GET /jobs/{job}/output`: where the results after a checkpoint, or from a place on, are. */
export function readOutput(house: Coordination, { after, from }: OutputRequest): CommittedOutput {
  const { store } = house;
  const lost = lostThrough(house);
  const wanted = from?.row ?? (after === undefined ? 0 : (after + 1) * partsPerCheckpoint);
  if (wanted <= lost && (after !== undefined || from !== undefined)) {
    return { kind: "gone", before: Math.floor(lost / partsPerCheckpoint) };
  }
  const segments: OutputSegment[] = [];
  let bytes = 0;
  for (let next = Math.max(wanted, lost + 1); ;) {
    const [row] = store.read<OutputRow>(
      "SELECT number, segments, bytes FROM output WHERE number >= ? ORDER BY number LIMIT 1",
      next,
    );
    if (row === undefined) return { kind: "segments", segments, isEnd: true };
    const first = row.number === from?.row ? from.segment : 0;
    segments.push(...segmentsOf(row).filter(({ segment }) => segment >= first));
    bytes += row.bytes?.length ?? 0;
    if (bytes >= answerBytes || segments.length >= answerSegments) {
      return { kind: "segments", segments, isEnd: false };
    }
    next = row.number + 1;
  }
}

function segmentsOf({ bytes, number, segments }: OutputRow): OutputSegment[] {
  const checkpoint = Math.floor(number / partsPerCheckpoint);
  const stored = JSON.parse(segments) as
    | StoredSegment[]
    | { rewound: { from: number; to: number } };
  if (!Array.isArray(stored)) {
    return [{ kind: "rewound", row: number, segment: 0, checkpoint, ...stored.rewound }];
  }
  let offset = 0;
  return stored.map(({ path, size }, segment) => {
    const place = { kind: "results", row: number, segment, checkpoint, size } as const;
    if (path !== undefined) return { ...place, data: { path } };
    offset += size;
    // A buffer of its own: a view would take the whole row with it.
    return { ...place, data: { inline: bytes!.slice(offset - size, offset) } };
  });
}

/** Commits after `after`, oldest first; the latest completed checkpoint also when it had no output. */
export function commitsAfter({ store }: Coordination, after: number): OutputCommit[] {
  const commits = store.read<{ checkpoint: number; records: number; committedAt: number }>(
    `SELECT number / ${partsPerCheckpoint} AS checkpoint, SUM(records) AS records, MIN(committed_at) AS committedAt
     FROM output WHERE number >= ? AND number % ${partsPerCheckpoint} >= ${firstOutputPart}
     GROUP BY 1 ORDER BY 1 LIMIT ${answerCommits}`,
    (after + 1) * partsPerCheckpoint,
  );
  const { completed, completedAt } = store.record;
  const isListed = commits.length === answerCommits || commits.at(-1)?.checkpoint === completed;
  if (completed <= after || isListed) return commits;
  return [...commits, { checkpoint: completed, records: 0, committedAt: completedAt }];
}

/** The highest row that cannot be read any more: deleted, or over its retention. */
function lostThrough({ context, job, store }: Coordination): number {
  const expired = context.environment.now() - job.options.output.retainMs;
  const [kept] = store.read<{ number: number }>(
    "SELECT number FROM output WHERE committed_at > ? ORDER BY number LIMIT 1",
    expired,
  );
  const [lost] = store.read<{ number: number | null }>(
    "SELECT MAX(number) AS number FROM output WHERE number < ?",
    kept?.number ?? Number.MAX_SAFE_INTEGER,
  );
  return lost?.number ?? store.record.outputPruned ?? 0;
}

/** Deletes what is over its retention, objects included; due again when the next rows are. */
export function pruneOutput(house: Coordination): void {
  const { context, registry, store } = house;
  // What a sink has not committed stays, however old [36].
  const through = Math.min(
    lostThrough(house),
    (oldestUncommitted(store) ?? Infinity) * partsPerCheckpoint - 1,
  );
  let isLeft = true;
  while (isLeft) {
    isLeft = store.step("prune output", (record) => {
      const rows = store.read<OutputRow>(
        "SELECT number, segments FROM output WHERE number <= ? ORDER BY number LIMIT ?",
        through,
        prunedAtOnce,
      );
      for (const { number, segments } of rows) {
        const stored = JSON.parse(segments) as StoredSegment[] | object;
        const objects = Array.isArray(stored) ? outputObjects(stored) : [];
        for (const { path } of objects) registry.markDead(path);
        if (objects.length > 0) makeDue(record.due, "sweep", context.environment.now());
        store.write("DELETE FROM output WHERE number = ?", number);
        record.outputPruned = number;
      }
      const [last] = rows.slice(-1);
      if (last !== undefined) forgetParked(store, Math.floor(last.number / partsPerCheckpoint));
      delete record.due.output;
      schedulePrune(house, record, context.environment.now());
      return rows.length === prunedAtOnce;
    });
  }
}

function schedulePrune({ job, store }: Coordination, record: JobRecord, now: number): void {
  if (record.due.output !== undefined) return;
  const { retainMs } = job.options.output;
  const [oldest] = store.read<{ committed_at: number }>(
    "SELECT committed_at FROM output ORDER BY number LIMIT 1",
  );
  if (oldest === undefined) return;
  const pauseMs = Math.min(pruneEveryMs, retainMs);
  makeDue(record.due, "output", Math.max(now + pauseMs, oldest.committed_at + retainMs));
}
