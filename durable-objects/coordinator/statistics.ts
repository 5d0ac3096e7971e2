/**
 * Checkpoint statistics in the shapes of Flink's REST interface, from the rows of history.ts. Answered
 * from SQLite alone: nobody is called [43].
 */
import type { JsonObject, JsonValue } from "../coordinator-queries.ts";
import type { Coordination } from "./coordination.ts";
import { fitting } from "./bounded-reply.ts";
import { pendingDetail, subtasksOf } from "./history.ts";

/** `GET /jobs/{job}/checkpoints`. */
export function checkpointStatistics(house: Coordination): JsonObject {
  const { rows, store } = house;
  const record = store.record;
  const { completed, failed, restored } = record.counts;
  const ended = store
    .read<{ detail: string }>("SELECT detail FROM history ORDER BY id DESC")
    .map(({ detail }) => JSON.parse(detail) as JsonObject);
  const pending = record.pending === undefined ? [] : [pendingDetail(house, record)];
  const done = ended.filter(({ status }) => status === "COMPLETED");
  const retained = new Set(rows.retained().map(({ id }) => id));
  const history = [...pending, ...ended].map((item) => withDiscarded(item, retained));
  return {
    counts: {
      restored,
      total: completed + failed + pending.length,
      in_progress: pending.length,
      completed,
      failed,
    },
    summary: summaryOf(done),
    latest: {
      completed: history.find(({ status }) => status === "COMPLETED") ?? null,
      savepoint: null,
      failed: history.find(({ status }) => status === "FAILED") ?? null,
      restored: record.restored
        ? {
            id: record.restored.id,
            restore_timestamp: record.restored.timestamp,
            is_savepoint: false,
            external_path:
              rows.retained().find(({ id }) => id === record.restored?.id)?.path ?? null,
          }
        : null,
    },
    history: fitting(history),
  };
}

/** `GET /jobs/{job}/checkpoints/details/{id}`; undefined when nothing is known of it (any more). */
export function checkpointDetail(house: Coordination, id: number): JsonObject | undefined {
  const detail = readDetail(house, id);
  if (detail === undefined) return undefined;
  const subtasks = readSubtasks(house, id);
  const tasks = Object.fromEntries(
    house.job.vertices.map(({ uid }) => [
      uid,
      { id: uid, ...taskFigures(house, detail, subtasks[uid] ?? []) },
    ]),
  );
  return { ...detail, tasks };
}

function readDetail(house: Coordination, id: number): JsonObject | undefined {
  const { rows, store } = house;
  const record = store.record;
  if (record.pending?.id === id) return pendingDetail(house, record);
  const [row] = store.read<{ detail: string }>("SELECT detail FROM history WHERE id = ?", id);
  if (row === undefined) return undefined;
  const retained = new Set(rows.retained().map((checkpoint) => checkpoint.id));
  return withDiscarded(JSON.parse(row.detail) as JsonObject, retained);
}

/** `GET …/details/{id}/subtasks/{vertex}`. */
export function checkpointSubtasks(
  house: Coordination,
  { id, vertex }: { readonly id: number; readonly vertex: string },
): JsonObject | undefined {
  const detail = readDetail(house, id);
  if (detail === undefined || !house.job.vertices.some(({ uid }) => uid === vertex))
    return undefined;
  const subtasks = readSubtasks(house, id)[vertex] ?? [];
  return {
    id: vertex,
    ...taskFigures(house, detail, subtasks),
    summary: {
      checkpointed_size: spread(numbers(subtasks, ["checkpointed_size"])),
      state_size: spread(numbers(subtasks, ["state_size"])),
      end_to_end_duration: spread(numbers(subtasks, ["end_to_end_duration"])),
      checkpoint_duration: {
        sync: spread(numbers(subtasks, ["checkpoint", "sync"])),
        async: spread(numbers(subtasks, ["checkpoint", "async"])),
      },
      alignment: {
        buffered: spread(numbers(subtasks, ["alignment", "buffered"])),
        processed: spread(numbers(subtasks, ["alignment", "processed"])),
        persisted: spread(numbers(subtasks, ["alignment", "persisted"])),
        duration: spread(numbers(subtasks, ["alignment", "duration"])),
      },
      start_delay: spread(numbers(subtasks, ["start_delay"])),
    },
    subtasks: fitting(subtasks),
  };
}

/** What Flink says of one vertex in one checkpoint. */
function taskFigures(
  { store }: Coordination,
  detail: JsonObject,
  subtasks: readonly JsonObject[],
): JsonObject {
  return {
    status: detail["status"]!,
    latest_ack_timestamp: largest(numbers(subtasks, ["ack_timestamp"])),
    checkpointed_size: sum(numbers(subtasks, ["checkpointed_size"])),
    state_size: sum(numbers(subtasks, ["state_size"])),
    end_to_end_duration: largest(numbers(subtasks, ["end_to_end_duration"])),
    alignment_buffered: 0,
    processed_data: sum(numbers(subtasks, ["alignment", "processed"])),
    persisted_data: sum(numbers(subtasks, ["alignment", "persisted"])),
    num_subtasks: store.record.shape.parallelism,
    num_acknowledged_subtasks: subtasks.length,
  };
}

/** `GET /jobs/{job}/checkpoints/config`. */
export function checkpointConfiguration({ job }: Coordination): JsonObject {
  const {
    bucket,
    guarantee,
    intervalDuringBacklogMs,
    intervalMs,
    minPauseMs,
    mode,
    onCancellation,
    retained,
    storagePrefix,
    timeoutMs,
    tolerableFailures,
    unaligned,
  } = job.options.checkpoint;
  return {
    mode: guarantee.replaceAll("-", "_"),
    interval: intervalMs,
    interval_during_backlog: intervalDuringBacklogMs ?? intervalMs,
    timeout: timeoutMs,
    min_pause: minPauseMs,
    max_concurrent: 1,
    externalization: { enabled: true, delete_on_cancellation: onCancellation === "delete" },
    state_backend: "weir",
    checkpoint_storage: "r2",
    storage_bucket: bucket,
    storage_prefix: storagePrefix,
    checkpoint_type: mode.toUpperCase(),
    num_retained: retained,
    unaligned_checkpoints: unaligned !== null,
    tolerable_failed_checkpoints: tolerableFailures,
    aligned_checkpoint_timeout: unaligned?.alignmentTimeoutMs ?? 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 0,
    changelog_storage: null,
  };
}

/** Flink's summary of one figure: nearest-rank percentiles over the checkpoints kept. */
export function spread(values: readonly number[]): JsonObject {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return {
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    avg: sorted.length === 0 ? 0 : Math.round(sum(sorted) / sorted.length),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
  };
}

function summaryOf(completed: readonly JsonObject[]): JsonObject {
  const figures = [
    "checkpointed_size",
    "state_size",
    "end_to_end_duration",
    "alignment_buffered",
    "processed_data",
    "persisted_data",
  ];
  return Object.fromEntries(figures.map((name) => [name, spread(numbers(completed, [name]))]));
}

function readSubtasks(house: Coordination, id: number): Record<string, JsonObject[]> {
  const { pending } = house.store.record;
  if (pending?.id === id) return subtasksOf(house, pending, house.rows.acknowledgements(id));
  const [row] = house.store.read<{ subtasks: string }>(
    "SELECT subtasks FROM history WHERE id = ?",
    id,
  );
  return row === undefined ? {} : (JSON.parse(row.subtasks) as Record<string, JsonObject[]>);
}

function withDiscarded(item: JsonObject, retained: ReadonlySet<number>): JsonObject {
  if (item["status"] !== "COMPLETED") return item;
  return { ...item, discarded: !retained.has(item["id"] as number) };
}

function numbers(items: readonly JsonObject[], path: readonly string[]): number[] {
  return items.map((item) => {
    let value: JsonValue = item;
    for (const name of path) value = (value as JsonObject)[name]!;
    return value as number;
  });
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
