/**
 * Stopping and starting a job by hand [18, 38]. Stopping is a request like any other whose answer
 * stops the job; starting sets the pointer explicitly, in one transaction.
 */
import { schemaProblems } from "../../dataflow/schema/check-schema.ts";
import { jobSchemaOf } from "../../dataflow/schema/job-schema.ts";
import { resolveChain, type VertexSchema } from "../../state-engine/index.ts";
import type { StartAnswer, StartRequest, StopAnswer, StopRequest } from "../coordinator-queries.ts";
import type { PartitionState, SourceState } from "../messages.ts";
import { noteInFlight } from "./changes.ts";
import { beginSchema } from "./check-schema.ts";
import { changeOfStorage } from "./check-storage.ts";
import { askPeer, type Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { requestEnd, takeBackFinalWatermark } from "./end-of-input.ts";
import { raiseGeneration } from "./generation.ts";
import { sourcesOf, taskName, tasksOf, type JobRecord } from "./job-record.ts";
import { noteRewind } from "./output-index.ts";
import { planStart } from "./plan-start.ts";
import { objectsListed } from "./registry.ts";
import { dropRequests, request } from "./requests.ts";
import { emptyPartition, type OfTask, type RetainedCheckpoint } from "./rows.ts";

/** How long stop waits for the final checkpoint. */
const finalCheckpointMs = 60_000;

export async function stop(
  house: Coordination,
  { cancel, checkpoints, drain, savepoint }: StopRequest,
): Promise<StopAnswer> {
  const { store } = house;
  if (cancel === true) {
    return cancelJob(house, checkpoints ?? house.job.options.checkpoint.onCancellation);
  }
  if (savepoint) {
    return {
      kind: "refused",
      reason: `Savepoints do not exist yet: stop with "savepoint": false.`,
    };
  }
  const { completed, status } = store.record;
  if (status === "STOPPED") return { kind: "stopped", checkpoint: completed };
  if (status !== "RUNNING")
    return { kind: "refused", reason: `The job is ${status}, not RUNNING.` };
  const covers = drain ? "accepted" : "cut";
  const wanted = { covers, isFinal: true, ...(drain && { endsTime: true }) } as const;
  const { id, outcome } = await request(house, wanted, finalCheckpointMs);
  if (outcome?.kind === "completed") return { kind: "stopped", checkpoint: outcome.checkpoint };
  return store.step("stop given up", (record): StopAnswer => {
    // It was stopped all the same: by another one's request, or just after the wait was over.
    if (record.status === "STOPPED") return { kind: "stopped", checkpoint: record.completed };
    store.write("DELETE FROM request WHERE id = ?", id);
    takeBackFinalWatermark(house, record, record.pending);
    const reason =
      outcome?.reason ?? `The final checkpoint did not complete within ${finalCheckpointMs} ms.`;
    return { kind: "refused", reason: `${reason} ${afterRefusedStop(record)}` };
  });
}

/** What has become of a job that could not be stopped, as in Flink: it goes on, or has failed. */
function afterRefusedStop({ status }: JobRecord): string {
  if (status !== "RUNNING" && status !== "RESTARTING") return `The job is ${status}.`;
  return (
    `The job was not stopped: it goes on, as if it had not been asked. GET its checkpoints to see what ` +
    `they wait for; stop it again, or at once and without a final checkpoint with "cancel": true.`
  );
}

/** Flink's cancel, and its externalized-checkpoint-retention: committed output stays either way. */
function cancelJob(house: Coordination, checkpoints: "retain" | "delete"): StopAnswer {
  const { context, registry, rows, store } = house;
  return store.step("cancel", (record): StopAnswer => {
    if (record.status !== "STOPPED") {
      raiseGeneration(house, record, "STOPPED", "The job was cancelled.");
      dropRequests(house, record, "The job was cancelled.");
    }
    if (checkpoints === "delete") {
      registry.discard(rows.partitions());
      for (const { task } of rows.partitions()) rows.writePartition(task, emptyPartition);
      for (const { id } of rows.retained()) rows.subsume(id);
      // What was truncated under the deleted checkpoints is missing from now on, and a start says so.
      for (const row of rows.sources(sourcesOf(record.shape))) {
        rows.writeSource({ ...row, completed: { ...row.completed, offset: 0, watermark: null } });
      }
      record.completed = 0;
      makeDue(record.due, "sweep", context.environment.now());
    }
    return { kind: "stopped", checkpoint: record.completed };
  });
}

export async function start(house: Coordination, wanted: StartRequest): Promise<StartAnswer> {
  const { job, rows, store } = house;
  const moved = changeOfStorage(job, store.record);
  if (moved !== undefined) return { kind: "refused", reason: moved };
  const firstKept = await firstLines(house);
  if (firstKept === undefined) {
    return { kind: "refused", reason: "A source did not say which lines it has. Try again." };
  }
  const { completed, shape, status } = store.record;
  const plan = planStart(wanted, {
    status,
    shape,
    completed,
    retained: rows.retained(),
    standing: rows.sources(sourcesOf(shape)).map((row) => row.completed),
    firstKept,
  });
  if (plan.kind !== "start") return plan;
  const target = rows.retained().find(({ id }) => id === plan.checkpoint);
  const { partitions, schema } = await readCheckpoint(house, target);
  const known = new Set(house.job.vertices.map(({ uid }) => uid));
  const lost = new Set(
    partitions
      .filter(({ data, task }) => !known.has(task.vertex) && holdsAnything(data))
      .map(({ task }) => task.vertex),
  );
  if (lost.size > 0 && wanted.allowNonRestoredState !== true) {
    const names = [...lost].join(", ");
    return {
      kind: "refused",
      reason: `Checkpoint ${plan.checkpoint} holds state of ${names}, which the job does not have: set "allowNonRestoredState" to leave it behind.`,
    };
  }
  const [problem] = schemaProblems(schema, jobSchemaOf(house.job));
  if (problem !== undefined) return { kind: "refused", reason: problem };
  const { checkpoint, sources } = plan;
  return begin(house, { checkpoint, sources, partitions, schema });
}

interface Beginning {
  readonly checkpoint: number;
  readonly sources: readonly SourceState[];
  readonly partitions: readonly OfTask<PartitionState>[];
  readonly schema: readonly VertexSchema[];
}

/** The one transaction of a start: pointer, tables, offsets, generation [18]. */
function begin(
  house: Coordination,
  { checkpoint, partitions, schema, sources }: Beginning,
): StartAnswer {
  const { context, registry, rows, store } = house;
  return store.step("start", (record): StartAnswer => {
    const now = context.environment.now();
    if (record.status === "RUNNING" || record.status === "RESTARTING") {
      return { kind: "refused", reason: `The job is ${record.status} already.` };
    }
    if (checkpoint !== 0 && !rows.retained().some(({ id }) => id === checkpoint)) {
      return { kind: "refused", reason: `Checkpoint ${checkpoint} is not retained any more.` };
    }
    const states = statesByTask(house, record, partitions);
    const before = rows.partitions();
    const { dead } = registry.lookUp(objectsListed(states));
    if (dead.size > 0) {
      return { kind: "refused", reason: `Objects of checkpoint ${checkpoint} are being deleted.` };
    }
    registry.rewind(states, before, record.nextCheckpoint - 1);
    for (const { data, task } of states) rows.writePartition(task, data);
    for (const state of sources)
      rows.writeSource({ ...rows.source(state.source), completed: state });
    if (checkpoint !== record.completed) noteRewind(house, record, checkpoint);
    beginSchema(house, record, schema);
    record.completed = checkpoint;
    const isUnaligned = rows.retained().some((one) => one.id === checkpoint && one.isUnaligned);
    if (isUnaligned) noteInFlight(record, record.changes?.reported ?? 0);
    record.failedCheckpoints = 0;
    record.restart = { inARow: 0, backoffMs: 0, lastFailureAt: 0 };
    record.restored = { id: checkpoint, timestamp: now };
    record.counts.restored++;
    raiseGeneration(house, record, "RUNNING", "The job was started.");
    requestEnd(house, record);
    return { kind: "started", generation: record.generation };
  });
}

function holdsAnything({ inFlight, tables }: PartitionState): boolean {
  return tables.length > 0 || inFlight !== undefined;
}

function statesByTask(
  { job }: Coordination,
  { shape }: JobRecord,
  partitions: readonly OfTask<PartitionState>[],
): OfTask<PartitionState>[] {
  const states = new Map(partitions.map(({ data, task }) => [taskName(task), data]));
  return tasksOf(job, shape).map((task) => ({
    task,
    data: states.get(taskName(task)) ?? emptyPartition,
  }));
}

/** The tables of every partition, and the states behind them, at a retained checkpoint, from its manifest and those it builds on. */
async function readCheckpoint(
  { context }: Coordination,
  checkpoint: RetainedCheckpoint | undefined,
): Promise<Pick<Beginning, "partitions" | "schema">> {
  if (checkpoint === undefined) return { partitions: [], schema: [] };
  const { path } = checkpoint;
  const resolved = await resolveChain(context.blobStore, path, context.environment);
  const partitions = resolved.partitions.map(({ index, vertex, keyGroups: _range, ...data }) => ({
    task: { vertex, index },
    data,
  }));
  return { partitions, schema: resolved.schema ?? [] };
}

/** What each source still has, from the sources themselves; undefined when one does not answer. */
async function firstLines(house: Coordination): Promise<number[] | undefined> {
  const replies = await Promise.all(
    sourcesOf(house.store.record.shape).map((source) =>
      askPeer(house, () =>
        house.context.peers.source(source).awaitProcessed({ line: 0, timeoutMs: 0 }),
      ),
    ),
  );
  const lines = replies.flatMap((reply) => (reply === undefined ? [] : [reply.answer.firstKept]));
  return lines.length === replies.length ? lines : undefined;
}
