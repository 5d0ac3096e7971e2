/**
 * Begins a checkpoint: one transaction first (id, base, deadline, alarm), then every source is asked,
 * again and again until its durable offset is written here [2, 4, 22]. Partitions hear of it through
 * the barriers of the sources.
 */
import type { ChangeReason, SourceReport, SourceState } from "../messages.ts";
import { askPeer, type Coordination } from "./coordination.ts";
import { makeDue, retryAfterMs } from "./due-list.ts";
import { addOperations, sourcesOf, tasksOf, type JobRecord } from "./job-record.ts";
import { hasChanges, scheduleChange } from "./changes.ts";
import { uncommittedCheckpoints } from "./commits.ts";
import { noteEnd, requestEnd } from "./end-of-input.ts";
import { planCheckpoint } from "./plan-checkpoint.ts";
import { reachedRequests } from "./requests.ts";

/** Sources that have answered are triggered again after this long while acknowledgements are missing. */
const remindAfterMs = 10_000;

export async function triggerCheckpoint(house: Coordination): Promise<void> {
  const { context, job, registry, store } = house;
  const now = context.environment.now();
  const plan = store.step("trigger", (record) => {
    const decided = planCheckpoint({
      now,
      status: record.status,
      hasPending: record.pending !== undefined,
      changed: hasChanges(house, record),
      requested: reachedRequests(store).map(({ mode }) => mode),
      isForced: record.isForced === true,
      options: { ...job.options.checkpoint, ...job.options.output },
      nextCheckpoint: record.nextCheckpoint,
      completed: record.completed,
      completedAt: record.completedAt,
      cleaning: registry.checkpointsBeingDeleted(),
      uncommitted: uncommittedCheckpoints(store),
    });
    if (decided.kind === "wait") return decided;
    delete record.due.checkpoint;
    if (decided.kind === "postpone") {
      makeDue(record.due, "checkpoint", decided.until);
      return decided;
    }
    record.isHeldUp = decided.kind === "holdUp";
    if (decided.kind === "holdUp") return decided;
    delete record.isForced;
    if (decided.kind === "skip") return decided;
    const { id, base, mode, deadline } = decided;
    record.nextCheckpoint = id + 1;
    record.lastTriggerAt = now;
    const changes = record.changes?.reported ?? 0;
    const endsTime = reachedRequests(store).some((one) => one.endsTime === true);
    const kind = { ...alignmentOf(house), ...(endsTime && { endsTime }) };
    record.pending = { id, base, mode, deadline, triggeredAt: now, changes, ...kind };
    makeDue(record.due, "deadline", deadline);
    makeDue(record.due, "repeat", now + retryAfterMs.repeat);
    return decided;
  });
  if (plan.kind === "trigger") await askSources(house);
}

/** What a job ends with is always aligned: a later start may run other code. */
function alignmentOf({ job, store }: Coordination): { readonly alignmentTimeoutMs?: number } {
  const { unaligned } = job.options.checkpoint;
  const isFinal = reachedRequests(store).some((one) => one.isFinal);
  return unaligned === null || isFinal ? {} : { alignmentTimeoutMs: unaligned.alignmentTimeoutMs };
}

/** One round of triggers: the sources that have not answered, or all when only acknowledgements are missing. */
export async function askSources(house: Coordination): Promise<void> {
  const { context, rows, store } = house;
  const { generation, pending, shape } = store.record;
  if (pending === undefined) return;
  const { id: checkpoint, base, endsTime, mode, alignmentTimeoutMs } = pending;
  const all = rows.sources(sourcesOf(shape));
  const silent = all.filter((row) => row.triggered?.checkpoint !== checkpoint);
  const asked = silent.length > 0 ? silent : all;
  await Promise.all(
    asked.map(async ({ source }) => {
      const alignment = alignmentTimeoutMs === undefined ? {} : { alignmentTimeoutMs };
      const kind = { ...alignment, ...(endsTime && { endsTime }) };
      const trigger = { generation, checkpoint, base, mode, ...kind };
      const reply = await askPeer(house, () =>
        context.peers.source(source).triggerCheckpoint(trigger),
      );
      if (reply?.answer.kind !== "triggered") return;
      noteTriggered(house, { generation, checkpoint, ...reply.answer });
    }),
  );
}

function noteTriggered(
  house: Coordination,
  answer: { generation: number; checkpoint: number; state: SourceState; report: SourceReport },
): void {
  const { context, rows, store } = house;
  const { checkpoint, generation, report, state } = answer;
  store.step("source triggered", (record) => {
    addOperations(record.operations, report.operations);
    if (record.generation !== generation || record.pending?.id !== checkpoint) return;
    const row = rows.source(state.source);
    // The first answer stands: a source never changes it [2].
    const triggered =
      row.triggered?.checkpoint === checkpoint ? row.triggered : { checkpoint, state };
    rows.writeSource({ ...row, report, triggered });
    if (sourcesAreIn(house, record)) {
      record.due.repeat = context.environment.now() + remindAfterMs;
    }
    finishIfAllIn(house, record);
  });
  if (store.record.due.finish !== undefined) house.kick("finish");
}

/** Puts publishing on the due-list once every source and every task has acknowledged. */
export function finishIfAllIn(house: Coordination, record: JobRecord): void {
  const { context, job, rows } = house;
  if (record.pending === undefined || record.due.finish !== undefined) return;
  const acknowledged = rows.acknowledged(record.pending.id).size;
  if (acknowledged < tasksOf(job, record.shape).length || !sourcesAreIn(house, record)) return;
  makeDue(record.due, "finish", context.environment.now() + retryAfterMs.finish);
}

function sourcesAreIn({ rows }: Coordination, { pending, shape }: JobRecord): boolean {
  return rows
    .sources(sourcesOf(shape))
    .every(({ triggered }) => triggered?.checkpoint === pending?.id);
}

/** A source says how far it is, and why it says so now. */
export function sourceChanged(
  house: Coordination,
  request: { report: SourceReport; reason: ChangeReason },
): void {
  const { rows, store } = house;
  const { report, reason } = request;
  store.step("source changed", (record) => {
    addOperations(record.operations, report.operations);
    noteEnd(house, report);
    requestEnd(house, record);
    if (report.generation !== record.generation) return;
    const row = { ...rows.source(report.source), report };
    rows.writeSource(row);
    if (reason === "feeds" || report.accepted <= row.completed.offset) return;
    scheduleChange(house, record, reason);
  });
}
