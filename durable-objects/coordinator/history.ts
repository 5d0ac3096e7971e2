/**
 * Writes one row of statistics for each checkpoint that ends, in the shape of Flink's history items.
 * The last 100 are kept. Reading them is statistics.ts.
 */
import type { JsonObject } from "../coordinator-queries.ts";
import type {
  AcknowledgementMetrics,
  OperationCounts,
  PartitionState,
  TaskId,
} from "../messages.ts";
import { operationsCost } from "../prices.ts";
import type { CheckpointFailureReason } from "./checkpoint-failure.ts";
import type { Coordination } from "./coordination.ts";
import { noOperations, tasksOf, type JobRecord, type PendingCheckpoint } from "./job-record.ts";
import type { AcknowledgementRow, CoordinatorRows, OfTask } from "./rows.ts";

/** Checkpoints whose statistics are kept. */
export const historyLimit = 100;

type Acknowledgements = readonly OfTask<AcknowledgementRow>[];

export function writeCompletedCheckpoint(
  house: Coordination,
  record: JobRecord,
  facts: {
    readonly acknowledgements: Acknowledgements;
    readonly partitions: readonly OfTask<PartitionState>[];
    readonly now: number;
  },
): void {
  const pending = record.pending!;
  const manifest = pending.manifest!;
  const operations = sumOperations(facts.acknowledgements, { ...noOperations, classA: 1 });
  const tables = facts.partitions.flatMap(({ data }) => data.tables);
  write(house, "COMPLETED", pending, {
    detail: {
      ...commonDetail(house, record, facts.acknowledgements),
      className: "completed",
      status: "COMPLETED",
      end_to_end_duration: facts.now - pending.triggeredAt,
      state_size: tables.reduce((sum, { size }) => sum + size, 0),
      external_path: manifest.path,
      discarded: false,
      new_tables: manifest.newTables,
      reused_tables: manifest.reusedTables,
      put_operations: operations.classA,
      get_operations: operations.classB,
      estimated_cost_usd: operationsCost(operations),
    },
    subtasks: subtasksOf(house, pending, facts.acknowledgements),
  });
}

export function writeFailedCheckpoint(
  house: Coordination,
  record: JobRecord,
  facts: {
    readonly acknowledgements: Acknowledgements;
    readonly reason: CheckpointFailureReason;
    readonly message: string;
  },
): void {
  const pending = record.pending!;
  const now = house.context.environment.now();
  write(house, "FAILED", pending, {
    detail: {
      ...commonDetail(house, record, facts.acknowledgements),
      className: "failed",
      status: "FAILED",
      end_to_end_duration: now - pending.triggeredAt,
      failure_timestamp: now,
      failure_message: facts.message,
      failure_reason: facts.reason,
    },
    subtasks: subtasksOf(house, pending, facts.acknowledgements),
  });
}

/** What a sink has done for a completed checkpoint joins the checkpoint's own. Writes a row, unless it was nothing. */
export function addSinkOperations(
  { store }: Coordination,
  checkpoint: number,
  operations: OperationCounts,
): void {
  const isNothing = Object.values(operations).every((count) => count === 0);
  const [row] = isNothing
    ? []
    : store.read<{ detail: string }>(
        "SELECT detail FROM history WHERE id = ? AND status = 'COMPLETED'",
        checkpoint,
      );
  if (row === undefined) return;
  const detail = JSON.parse(row.detail) as Record<string, number>;
  const sum = (name: string, more = 0) => (detail[name] ?? 0) + more;
  const { classA, classB, queueOperations, subrequests } = operations;
  const added = {
    put_operations: sum("put_operations", classA),
    get_operations: sum("get_operations", classB),
    queue_operations: sum("queue_operations", queueOperations),
    subrequests: sum("subrequests", subrequests),
    estimated_cost_usd: sum("estimated_cost_usd", operationsCost(operations)),
  };
  store.write(
    "UPDATE history SET detail = ? WHERE id = ?",
    JSON.stringify({ ...detail, ...added }),
    checkpoint,
  );
}

/** The item of the checkpoint that is under way. */
export function pendingDetail(house: Coordination, record: JobRecord): JsonObject {
  const pending = record.pending!;
  return {
    ...commonDetail(house, record, house.rows.acknowledgements(pending.id)),
    className: "in_progress",
    status: "IN_PROGRESS",
    end_to_end_duration: house.context.environment.now() - pending.triggeredAt,
  };
}

function commonDetail(
  { job, rows }: Coordination,
  record: JobRecord,
  acknowledgements: Acknowledgements,
): JsonObject {
  const { id, mode, triggeredAt } = record.pending!;
  const operations = sumOperations(acknowledgements, noOperations);
  return {
    id,
    is_savepoint: false,
    savepointFormat: null,
    checkpoint_type: acknowledgements.some(({ data }) => data.metrics.isUnaligned === true)
      ? "UNALIGNED_CHECKPOINT"
      : "CHECKPOINT",
    mode,
    trigger_timestamp: triggeredAt,
    latest_ack_timestamp: Math.max(
      triggeredAt,
      ...acknowledgements.map(({ data }) => data.acknowledgedAt),
    ),
    checkpointed_size: uploadedBytes(acknowledgements),
    state_size: acknowledgements.reduce(
      (sum, { data, task }) => sum + stateSize(rows, task, data),
      0,
    ),
    alignment_buffered: 0,
    processed_data: sumOf(acknowledgements, ({ processedBytes }) => processedBytes),
    persisted_data: sumOf(acknowledgements, ({ persistedBytes }) => persistedBytes),
    num_subtasks: tasksOf(job, record.shape).length,
    num_acknowledged_subtasks: acknowledgements.length,
    put_operations: operations.classA,
    get_operations: operations.classB,
    tasks: {},
  };
}

/** Per vertex its subtasks that acknowledged, in Flink's shape. */
export function subtasksOf(
  { rows }: Coordination,
  pending: PendingCheckpoint,
  acknowledgements: Acknowledgements,
): Record<string, JsonObject[]> {
  const byVertex: Record<string, JsonObject[]> = {};
  const ordered = acknowledgements.toSorted((left, right) => left.task.index - right.task.index);
  for (const { task, data } of ordered) {
    const { alignmentDurationMs, asyncDurationMs, startDelayMs, syncDurationMs } = data.metrics;
    const { isUnaligned = false, persistedBytes = 0, processedBytes = 0 } = data.metrics;
    (byVertex[task.vertex] ??= []).push({
      index: task.index,
      status: "completed",
      ack_timestamp: data.acknowledgedAt,
      end_to_end_duration: data.acknowledgedAt - pending.triggeredAt,
      checkpointed_size: data.metrics.uploadedBytes,
      state_size: stateSize(rows, task, data),
      checkpoint: { sync: syncDurationMs, async: asyncDurationMs },
      alignment: {
        buffered: 0,
        processed: processedBytes,
        persisted: persistedBytes,
        duration: alignmentDurationMs,
      },
      start_delay: startDelayMs,
      unaligned_checkpoint: isUnaligned,
      aborted: false,
    });
  }
  return byVertex;
}

function write(
  { store }: Coordination,
  status: "COMPLETED" | "FAILED",
  { id }: PendingCheckpoint,
  row: { readonly detail: JsonObject; readonly subtasks: Record<string, JsonObject[]> },
): void {
  store.write(
    "INSERT OR REPLACE INTO history (id, status, detail, subtasks) VALUES (?, ?, ?, ?)",
    id,
    status,
    JSON.stringify(row.detail),
    JSON.stringify(row.subtasks),
  );
  store.write("DELETE FROM history WHERE id <= ?", id - historyLimit);
}

/** Bytes the checkpoint needs of one partition: one that changed nothing needs what it had. */
function stateSize(rows: CoordinatorRows, task: TaskId, { state }: AcknowledgementRow): number {
  const { tables } = state ?? rows.partition(task);
  return tables.reduce((sum, { size }) => sum + size, 0);
}

function uploadedBytes(acknowledgements: Acknowledgements): number {
  return sumOf(acknowledgements, (metrics) => metrics.uploadedBytes);
}

function sumOf(
  acknowledgements: Acknowledgements,
  figure: (metrics: AcknowledgementMetrics) => number | undefined,
): number {
  return acknowledgements.reduce((sum, { data }) => sum + (figure(data.metrics) ?? 0), 0);
}

function sumOperations(acknowledgements: Acknowledgements, own: OperationCounts): OperationCounts {
  const sum = { ...own };
  for (const { data } of acknowledgements) {
    sum.classA += data.metrics.operations.classA;
    sum.classB += data.metrics.operations.classB;
    sum.rowsWritten += data.metrics.operations.rowsWritten;
    sum.requests += data.metrics.operations.requests;
  }
  return sum;
}
