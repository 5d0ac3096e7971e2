/**
 * Rolling the whole job back: a new generation fences every task of the older one, and all of them
 * begin again at the latest completed checkpoint [5, 6]. Tasks are told afterwards, from the alarm [23].
 */
import type { JobStatus } from "../messages.ts";
import { abortPending } from "./abort.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { sourcesOf, tasksOf, type JobRecord } from "./job-record.ts";
import { currentInterval, hasChanges } from "./changes.ts";

/** Raises the generation in the caller's transaction and notes that every task has to hear of it. */
export function raiseGeneration(
  house: Coordination,
  record: JobRecord,
  status: JobStatus,
  detail: string,
): void {
  const now = house.context.environment.now();
  if (record.pending !== undefined) {
    const isOver = status !== "RUNNING" && status !== "RESTARTING";
    const reason = isOver ? "CHECKPOINT_COORDINATOR_SHUTDOWN" : "JOB_FAILOVER_REGION";
    abortPending(house, record, { reason, detail, tasksAreGone: true });
  }
  record.generation++;
  record.status = status;
  // All tasks begin anew: none can list again what only a checkpoint that was given up has named [6, 10].
  if (house.registry.markGarbage(house.rows.retained(), Infinity)) {
    makeDue(record.due, "sweep", now);
  }
  if (status !== "RUNNING" && status !== "RESTARTING") delete record.isFinishing;
  if (status !== "RESTARTING") {
    delete record.due.restart;
    delete record.resumeAt;
  }
  for (const { task, data } of house.rows.tasks()) {
    if (data.attaches > 0) house.rows.writeTask(task, { ...data, attaches: 0 });
  }
  forgetProgress(house, record);
  record.notices = {
    enter: {
      generation: record.generation,
      sources: sourcesOf(record.shape),
      tasks: tasksOf(house.job, record.shape),
    },
    rounds: 0,
  };
  makeDue(record.due, "notify", now);
  if (status === "RUNNING") scheduleAfterRestore(house, record);
}

/** Ends the back-off of a restart once it is over; true when the job runs again. */
export function resumeIfDue(house: Coordination, record: JobRecord): boolean {
  const now = house.context.environment.now();
  if (record.status !== "RESTARTING" || (record.resumeAt ?? 0) > now) return false;
  delete record.due.restart;
  delete record.resumeAt;
  record.status = "RUNNING";
  record.counts.restarts++;
  record.restored = { id: record.completed, timestamp: now };
  record.counts.restored++;
  const { generation, shape, notices } = record;
  record.notices = {
    ...notices,
    enter: { generation, sources: sourcesOf(shape), tasks: notices.enter?.tasks ?? [] },
    rounds: 0,
  };
  makeDue(record.due, "notify", now);
  scheduleAfterRestore(house, record);
  return true;
}

/** What was cut since the latest completed checkpoint has to be cut again. */
function forgetProgress({ rows, store }: Coordination, record: JobRecord): void {
  for (const row of rows.sources(sourcesOf(record.shape))) {
    if (row.report === undefined) continue;
    rows.writeSource({ ...row, report: { ...row.report, processed: row.completed.offset } });
  }
  store.write("UPDATE request SET data = json_set(data, '$.reached', json('false'))");
}

/** Lines that were on their way into an aborted checkpoint need another one; requests go on. */
function scheduleAfterRestore(house: Coordination, record: JobRecord): void {
  const now = house.context.environment.now();
  const intervalMs = currentInterval(house, record);
  if (intervalMs > 0 && hasChanges(house, record))
    makeDue(record.due, "checkpoint", now + intervalMs);
  if (house.store.read("SELECT id FROM request LIMIT 1").length > 0) {
    makeDue(record.due, "requests", now);
  }
}
