/**
 * The rows beside the job record, typed: sources, tasks, partition states, acknowledgements, retained
 * checkpoints. Reading is free of side effects; writing happens inside a step of the store.
 */
import type {
  Acknowledgement,
  AcknowledgementMetrics,
  CheckpointMode,
  OutputInterval,
  PartitionState,
  SourceReport,
  SourceState,
  TaskId,
  Upload,
} from "../messages.ts";
import { largestInlineOutputBytes } from "../messages.ts";
import { joined } from "./joined.ts";
import { taskName, type FixedManifest } from "./job-record.ts";
import { outputAfter, type AcknowledgedOutput, type StoredSegment } from "./output-segments.ts";
import type { CoordinatorStore } from "./store.ts";

export interface SourceRow {
  readonly source: number;
  /** As last reported [43]; undefined until the first report. */
  readonly report?: SourceReport;
  /** Generation it last attached in. */
  readonly generation: number;
  /** Its part of the latest completed checkpoint. */
  readonly completed: SourceState;
  /** Its durable answer to the trigger of `checkpoint` [2]. */
  readonly triggered?: { readonly checkpoint: number; readonly state: SourceState };
  /** Names of its feeds that have ended, of every generation. */
  readonly endedFeeds?: readonly string[];
}

export interface TaskRow {
  /** Of the latest attach; never given twice [3]. */
  readonly attempt: number;
  /** Generation of the latest attach. */
  readonly generation: number;
  /** Attaches since a checkpoint completed, while lines were to be replayed [32]. */
  readonly attaches: number;
}

export interface AcknowledgementRow {
  readonly attempt: number;
  readonly acknowledgedAt: number;
  readonly state?: PartitionState;
  readonly uploads: readonly Upload[];
  /** Its output after the base; the inline bytes stand beside the row [7]. */
  readonly output: readonly StoredSegment[];
  readonly metrics: AcknowledgementMetrics;
}

export interface RetainedCheckpoint extends FixedManifest {
  readonly id: number;
  readonly mode: CheckpointMode;
  readonly sources: readonly SourceState[];
  /** It holds in-flight frames. */
  readonly isUnaligned?: boolean;
  /** Event time has ended in it. */
  readonly endsTime?: boolean;
}

export interface OfTask<Data> {
  readonly task: TaskId;
  readonly data: Data;
}

/** A row of more than 2 MB is refused by the platform; refuse earlier, with a reason. */
const largestRowBytes = 1_900_000;

export const emptyPartition: PartitionState = { tables: [], watermarks: {}, time: 0, sequence: 0 };

export class CoordinatorRows {
  readonly #store: CoordinatorStore;

  constructor(store: CoordinatorStore) {
    this.#store = store;
  }

  source(source: number): SourceRow {
    return this.sources([source])[0]!;
  }

  /** One row for each of `numbers`, in that order. */
  sources(numbers: readonly number[]): SourceRow[] {
    const known = new Map<number, SourceRow>();
    for (const { data } of this.#store.read<{ data: string }>("SELECT data FROM source")) {
      const row = JSON.parse(data) as SourceRow;
      known.set(row.source, row);
    }
    return numbers.map(
      (source) =>
        known.get(source) ?? {
          source,
          generation: 0,
          completed: { source, offset: 0, watermark: null },
        },
    );
  }

  writeSource(row: SourceRow): void {
    this.#store.write(
      "INSERT OR REPLACE INTO source (number, data) VALUES (?, ?)",
      row.source,
      JSON.stringify(row),
    );
  }

  task(task: TaskId): TaskRow {
    return (
      (this.#readTask("task", task) as TaskRow | undefined) ?? {
        attempt: 0,
        generation: 0,
        attaches: 0,
      }
    );
  }

  tasks(): OfTask<TaskRow>[] {
    return this.#readAll<TaskRow>("SELECT vertex, number, data FROM task");
  }

  writeTask(task: TaskId, row: TaskRow): void {
    this.#write("task", task, row);
  }

  partition(task: TaskId): PartitionState {
    return (
      (this.#readTask("partition_state", task) as PartitionState | undefined) ?? emptyPartition
    );
  }

  partitions(): OfTask<PartitionState>[] {
    return this.#readAll<PartitionState>("SELECT vertex, number, data FROM partition_state");
  }

  writePartition(task: TaskId, state: PartitionState): void {
    this.#write("partition_state", task, state);
  }

  acknowledgements(checkpoint: number): OfTask<AcknowledgementRow>[] {
    return this.#readAll<AcknowledgementRow>(
      "SELECT vertex, number, data FROM acknowledgement WHERE checkpoint = ?",
      checkpoint,
    );
  }

  /** Names (taskName) of the tasks that acknowledged `checkpoint`. */
  acknowledged(checkpoint: number): ReadonlySet<string> {
    const rows = this.#store.read<{ vertex: string; number: number }>(
      "SELECT vertex, number FROM acknowledgement WHERE checkpoint = ?",
      checkpoint,
    );
    return new Set(rows.map(({ vertex, number }) => taskName({ vertex, index: number })));
  }

  /** Answers why it cannot be written, undefined when it was. */
  writeAcknowledgement(
    acknowledgement: Acknowledgement,
    acknowledgedAt: number,
  ): string | undefined {
    const { task, checkpoint, base, attempt, state, uploads, metrics } = acknowledgement;
    const { bytes, segments } = stored(outputAfter(base, acknowledgement.output));
    if (bytes.length > largestInlineOutputBytes) {
      return (
        `Partition ${task.vertex}/${task.index} acknowledged ${bytes.length} bytes of inline output, more than the ` +
        `${largestInlineOutputBytes} allowed: it has to put them into an object.`
      );
    }
    const row: AcknowledgementRow = {
      attempt,
      acknowledgedAt,
      ...(state !== undefined && { state }),
      uploads,
      output: segments,
      metrics,
    };
    const data = JSON.stringify(row);
    if (data.length > largestRowBytes) {
      return (
        `The state of partition ${task.vertex}/${task.index} takes ${data.length} bytes to describe, more ` +
        `than the ${largestRowBytes} of one row: raise the job's parallelism.`
      );
    }
    this.#store.write(
      "INSERT OR REPLACE INTO acknowledgement (vertex, number, checkpoint, data, output) VALUES (?, ?, ?, ?, ?)",
      task.vertex,
      task.index,
      checkpoint,
      data,
      bytes.length === 0 ? null : bytes,
    );
    return undefined;
  }

  /** Output of each task that acknowledged `checkpoint`, by taskName. */
  acknowledgedOutput(checkpoint: number): ReadonlyMap<string, AcknowledgedOutput> {
    const rows = this.#store.read<{
      vertex: string;
      number: number;
      data: string;
      output: Uint8Array | null;
    }>("SELECT vertex, number, data, output FROM acknowledgement WHERE checkpoint = ?", checkpoint);
    return new Map(
      rows.map(({ data, number, output, vertex }) => [
        taskName({ vertex, index: number }),
        {
          segments: (JSON.parse(data) as AcknowledgementRow).output,
          bytes: output ?? new Uint8Array(),
        },
      ]),
    );
  }

  /** Oldest completion first. */
  retained(): RetainedCheckpoint[] {
    return this.#store
      .read<{ data: string }>("SELECT data FROM retained ORDER BY completion")
      .map(({ data }) => JSON.parse(data) as RetainedCheckpoint);
  }

  retain(checkpoint: RetainedCheckpoint): void {
    this.#store.write(
      "INSERT INTO retained (id, data) VALUES (?, ?)",
      checkpoint.id,
      JSON.stringify(checkpoint),
    );
  }

  subsume(id: number): void {
    this.#store.write("DELETE FROM retained WHERE id = ?", id);
  }

  #readTask(table: "task" | "partition_state", task: TaskId): unknown {
    const [row] = this.#store.read<{ data: string }>(
      `SELECT data FROM ${table} WHERE vertex = ? AND number = ?`,
      task.vertex,
      task.index,
    );
    return row && JSON.parse(row.data);
  }

  #readAll<Data>(query: string, ...bindings: number[]): OfTask<Data>[] {
    return this.#store
      .read<{ vertex: string; number: number; data: string }>(query, ...bindings)
      .map(({ vertex, number, data }) => ({
        task: { vertex, index: number },
        data: JSON.parse(data) as Data,
      }));
  }

  #write(table: "task" | "partition_state", task: TaskId, data: object): void {
    this.#store.write(
      `INSERT OR REPLACE INTO ${table} (vertex, number, data) VALUES (?, ?, ?)`,
      task.vertex,
      task.index,
      JSON.stringify(data),
    );
  }
}

/** Intervals as a row keeps them: inline bytes one after the other, everything else described. */
function stored(intervals: readonly OutputInterval[]): AcknowledgedOutput {
  const inline = intervals.flatMap(({ data }) => ("inline" in data ? [data.inline] : []));
  const segments = intervals.map(({ data, records }) =>
    "inline" in data
      ? { records, size: data.inline.length }
      : { records, size: data.size, path: data.path },
  );
  return { segments, bytes: joined(inline) };
}
