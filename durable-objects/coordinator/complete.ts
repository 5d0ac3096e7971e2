/**
 * Publishes the pending checkpoint and makes it count, in this order: complete bytes in SQLite →
 * manifest in the bucket → one transaction with the pointer → tell → sweep [9, 10, 33]. Begun again
 * from any point after a crash.
 */
import { keyGroupRangeOf } from "../../dataflow/key-group.ts";
import { encodeManifest, planManifest, type PartitionTables } from "../../state-engine/index.ts";
import type { PartitionState, SourceState } from "../messages.ts";
import { noteInFlight } from "./changes.ts";
import { noteCommits } from "./commits.ts";
import { askPeer, manifestPath, type Coordination } from "./coordination.ts";
import { makeDue, retryAfterMs } from "./due-list.ts";
import { endPending, scheduleNext } from "./end-pending.ts";
import { failCheckpoint } from "./failure.ts";
import { writeCompletedCheckpoint } from "./history.ts";
import { addOperations, sourcesOf, taskName, tasksOf, type JobRecord } from "./job-record.ts";
import { readManifestBytes, sameBytes, writeManifestBytes } from "./manifest-bytes.ts";
import { commitOutput } from "./output-index.ts";
import { scheduleScan } from "./orphan-scan.ts";
import { answerRequests, settleAll, type Answered } from "./requests.ts";
import type { AcknowledgementRow, OfTask } from "./rows.ts";
import { commitsAwaited } from "./waiters.ts";
import { isUnavailable } from "./is-unavailable.ts";
import { selectSubsumed } from "./select-garbage.ts";

export async function finish(house: Coordination): Promise<void> {
  const fixed = fixManifest(house);
  if (fixed === undefined) return;
  const outcome = await publish(house, fixed);
  // Unknown: the due-list repeats it; nothing may be decided before the outcome is known.
  if (outcome === "unknown") return;
  if (outcome === "taken") return giveUp(house, fixed);
  const answered = complete(house, fixed.id);
  if (answered === undefined) return house.kick("stray");
  settleAll(house, answered);
  house.waiters.settle(commitsAwaited, { kind: "completed", checkpoint: fixed.id });
  house.kick("notify");
  house.kick("sweep");
  if (house.store.record.due.commit !== undefined) house.kick("commit");
  await tellPartitions(house, fixed.id);
}

interface Fixed {
  readonly id: number;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Plans the manifest and keeps its complete bytes, or finds those of an earlier attempt [33]. */
function fixManifest(house: Coordination): Fixed | undefined {
  const { rows, registry, store } = house;
  return store.step("fix manifest", (record) => {
    const { pending } = record;
    if (pending === undefined || !allIn(house, record)) return void delete record.due.finish;
    if (pending.manifest !== undefined) {
      return { id: pending.id, path: pending.manifest.path, bytes: readManifestBytes(house) };
    }
    const base = rows.retained().find(({ id }) => id === pending.base);
    const { schema } = record;
    const path = manifestPath(house.job, record, pending.id);
    const planned = planManifest({
      id: pending.id,
      kind: "checkpoint",
      job: house.job.name,
      generation: record.generation,
      nonce: house.context.environment.newId(),
      triggeredAt: pending.triggeredAt,
      maxParallelism: record.shape.maxParallelism,
      ...(schema !== undefined && { schema: schema.vertices }),
      sources: triggeredSources(house, record),
      partitions: partitionTables(record, partitionsNow(house, record)),
      previous:
        base === undefined || pending.mode === "full" || base.id < (schema?.from ?? 0)
          ? undefined
          : { ...base, partitions: partitionTables(record, partitionsBefore(house, record)) },
    });
    const { manifest, ...counts } = planned;
    pending.manifest = { path, chain: manifest.chain, ...counts };
    const bytes = encodeManifest(manifest, house.context.environment);
    writeManifestBytes(house, bytes);
    registry.noteManifest(path, pending.id, bytes.length);
    return { id: pending.id, path, bytes };
  });
}

/**
 * Puts the manifest where nothing was. After a rejected put or an "exists" the object is read back:
 * our own bytes hold our nonce, and are what an earlier attempt wrote.
 */
async function publish(
  { context, store }: Coordination,
  { path, bytes }: Fixed,
): Promise<"published" | "unknown" | "taken"> {
  const { blobStore } = context;
  context.crashPoint("coordinator: before put manifest");
  const count = { classA: 1, classB: 0, rowsWritten: 0, requests: 0 };
  try {
    const answer = await blobStore.put(path, bytes, { ifAbsent: true });
    if (answer === "written") return "published";
  } catch (error) {
    if (!isUnavailable(error)) throw error;
  } finally {
    context.crashPoint("coordinator: after put manifest");
    store.step("count put", (record) => addOperations(record.operations, count));
  }
  try {
    const found = await blobStore.get(path);
    if (found === undefined) return "unknown";
    return sameBytes(found, bytes) ? "published" : "taken";
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return "unknown";
  }
}

/** The pointer moves: everything that makes the checkpoint count, in one transaction. Undefined when it was given up meanwhile. */
function complete(house: Coordination, id: number): readonly Answered[] | undefined {
  const { context, job, registry, rows, store } = house;
  return store.step("complete", (record) => {
    const { pending } = record;
    if (pending?.id !== id || pending.manifest === undefined) return undefined;
    const now = context.environment.now();
    const acknowledgements = rows.acknowledgements(id);
    const before = partitionsBefore(house, record);
    const after = partitionsNow(house, record);
    const uploads = acknowledgements.flatMap(({ data }) => data.uploads);
    registry.complete({ checkpoint: id, now: after, before, uploads });
    for (const { task, data } of acknowledgements) {
      if (data.state !== undefined) rows.writePartition(task, data.state);
    }
    if (commitOutput(house, record, now)) noteCommits(house, record, now);
    const sources = triggeredSources(house, record);
    moveSources(house, sources);
    const isUnaligned = after.some(({ data }) => data.inFlight !== undefined);
    const { endsTime, mode } = pending;
    const retained = { id, mode, ...pending.manifest, sources, ...(endsTime && { endsTime }) };
    rows.retain({ ...retained, ...(isUnaligned && { isUnaligned }) });
    for (const old of selectSubsumed(
      rows.retained().map((one) => one.id),
      job.options.checkpoint.retained,
    )) {
      rows.subsume(old);
    }
    writeCompletedCheckpoint(house, record, { acknowledgements, partitions: after, now });
    noteSuccess(house, record, acknowledgements, now);
    if (isUnaligned) noteInFlight(record, pending.changes);
    if (registry.markGarbage(rows.retained(), id))
      makeDue(record.due, "sweep", now + retryAfterMs.sweep);
    scheduleScan(record, now);
    endPending(house, record);
    record.notices.completed = { checkpoint: id, sources: sourcesOf(record.shape) };
    record.notices.rounds = 0;
    makeDue(record.due, "notify", now + retryAfterMs.notify);
    const answered = answerRequests(house, record);
    scheduleNext(house, record, "completed");
    return answered;
  });
}

/** A completed checkpoint ends every count of failures in a row. */
function noteSuccess(
  { rows }: Coordination,
  record: JobRecord,
  acknowledgements: readonly OfTask<AcknowledgementRow>[],
  now: number,
): void {
  record.completed = record.pending!.id;
  record.completedAt = now;
  if (record.changes !== undefined) {
    record.changes = { ...record.changes, covered: record.pending!.changes };
  }
  record.counts.completed++;
  record.failedCheckpoints = 0;
  record.rollbacks = 0;
  record.restart = { ...record.restart, inARow: 0 };
  for (const { task, data } of rows.tasks()) {
    if (data.attaches > 0) rows.writeTask(task, { ...data, attaches: 0 });
  }
  for (const { task, data } of acknowledgements) {
    addOperations(record.operations, data.metrics.operations);
    const sum = (record.records[task.vertex] ??= { in: 0, out: 0 });
    sum.in += data.metrics.recordsIn;
    sum.out += data.metrics.recordsOut;
  }
}

function moveSources({ rows }: Coordination, states: readonly SourceState[]): void {
  for (const state of states) {
    const row = rows.source(state.source);
    const { completed } = row;
    if (completed.offset === state.offset && completed.watermark === state.watermark) continue;
    rows.writeSource({ ...row, completed: state });
  }
}

/** The path holds somebody else's object: it is not ours to delete, and the id is given up. */
function giveUp(house: Coordination, { id, path }: Fixed): void {
  house.store.step("give up manifest", (record) => {
    if (record.pending?.id !== id) return;
    house.registry.forget([], [path]);
    delete record.pending.manifest;
    failCheckpoint(house, record, {
      reason: "FINALIZE_CHECKPOINT_FAILURE",
      detail: `${path} holds a manifest that this job did not write.`,
    });
  });
}

/** Best effort: the next barrier says the same [7]. */
async function tellPartitions(house: Coordination, checkpoint: number): Promise<void> {
  const { generation, shape } = house.store.record;
  await Promise.all(
    tasksOf(house.job, shape).map((task) =>
      askPeer(house, () =>
        house.context.peers.partition(task).completeCheckpoint({ generation, checkpoint }),
      ),
    ),
  );
}

function allIn({ job, rows }: Coordination, record: JobRecord): boolean {
  const { pending, shape } = record;
  const sources = rows.sources(sourcesOf(shape));
  return (
    pending !== undefined &&
    sources.every(({ triggered }) => triggered?.checkpoint === pending.id) &&
    rows.acknowledged(pending.id).size === tasksOf(job, shape).length
  );
}

function triggeredSources({ rows }: Coordination, { shape }: JobRecord): SourceState[] {
  return rows.sources(sourcesOf(shape)).map(({ triggered }) => triggered!.state);
}

function partitionsBefore(
  { job, rows }: Coordination,
  record: JobRecord,
): OfTask<PartitionState>[] {
  return tasksOf(job, record.shape).map((task) => ({ task, data: rows.partition(task) }));
}

function partitionsNow(house: Coordination, record: JobRecord): OfTask<PartitionState>[] {
  const acknowledged = new Map<string, PartitionState>();
  for (const { task, data } of house.rows.acknowledgements(record.pending!.id)) {
    if (data.state !== undefined) acknowledged.set(taskName(task), data.state);
  }
  return partitionsBefore(house, record).map(({ task, data }) => ({
    task,
    data: acknowledged.get(taskName(task)) ?? data,
  }));
}

function partitionTables(
  { shape }: JobRecord,
  partitions: readonly OfTask<PartitionState>[],
): PartitionTables[] {
  return partitions.map(({ task, data }) => ({
    ...task,
    keyGroups: keyGroupRangeOf(task.index, shape.parallelism, shape.maxParallelism),
    ...data,
  }));
}
