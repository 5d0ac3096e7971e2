/**
 * Requested checkpoints [25]: a request notes each source's end, waits until these lines have been
 * cut, and is answered by the first completed checkpoint whose offsets reach them all. A request is a
 * row: it outlives the memory of the coordinator, only its caller does not.
 */
import type { CheckpointMode, SourceReport } from "../messages.ts";
import { askPeer, type Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { raiseGeneration } from "./generation.ts";
import { addOperations, sourcesOf, type JobRecord } from "./job-record.ts";
import type { CoordinatorStore } from "./store.ts";
import type { Outcome } from "./waiters.ts";

export interface CheckpointRequest {
  readonly id: string;
  /** Undefined: as configured. */
  readonly mode?: CheckpointMode;
  /** "accepted": covers every line accepted before; "cut": only what is on its way into state anyway. */
  readonly covers: "accepted" | "cut";
  /** The job stops when it is answered. */
  readonly isFinal: boolean;
  /** Answered only by a checkpoint that carries the final watermark. */
  readonly endsTime?: boolean;
  /** The job that stops is FINISHED, once its output is committed. */
  readonly finishes?: boolean;
  /** Per source the line that has to be reached; null until the source has said it. */
  readonly ends: readonly (number | null)[];
  /** Changes without input that tasks had reported [26]. */
  readonly changes: number;
  /** Every line has been cut: a checkpoint triggered from now on covers them. */
  readonly reached: boolean;
}

/** Requests that may wait at once, as many as in Flink. */
export const requestLimit = 1_000;
/** One call to a source waits this long for it to get on. */
const waitMs = 2_000;

type Wanted = Pick<CheckpointRequest, "covers" | "endsTime" | "finishes" | "isFinal" | "mode">;

/** Writes the request down, in the caller's transaction; answers its id. */
export function addRequest(house: Coordination, record: JobRecord, wanted: Wanted): string {
  const { context, store } = house;
  const id = context.environment.newId();
  const ends = sourcesOf(record.shape).map(() => null);
  const changes = record.changes?.reported ?? 0;
  writeRequest(store, { id, ...wanted, ends, changes, reached: false });
  makeDue(record.due, "requests", context.environment.now() + waitMs);
  return id;
}

/** Writes the request down and pursues it; the outcome, or undefined after `timeoutMs`. */
export async function request(
  house: Coordination,
  wanted: Wanted,
  timeoutMs: number,
): Promise<{ id: string; outcome: Outcome | undefined }> {
  const { context, store, waiters } = house;
  const id = store.step("request", (record) => addRequest(house, record, wanted));
  const waiting = waiters.wait(id, timeoutMs);
  context.keepAlive(
    noteEnds(house).then(
      () => house.kick("requests"),
      (error: unknown) => context.reportError(error, "asking sources for their ends"),
    ),
  );
  return { id, outcome: await waiting };
}

/** Takes every waiting request as far as it gets; what is left is on the due-list. */
export async function pursueRequests(house: Coordination): Promise<void> {
  const { context, store } = house;
  for (;;) {
    const waiting = requests(store).filter(({ reached }) => !reached);
    if (waiting.length === 0 || store.record.status !== "RUNNING") break;
    const startedAt = context.environment.now();
    if (!(await noteEnds(house)) || !(await awaitEnds(house))) return;
    const isLeft = requests(store).some(({ reached }) => !reached);
    // A source that answers at once without having got on is asked again from the due-list, not in a loop.
    if (isLeft && context.environment.now() - startedAt < waitMs / 2) break;
  }
  store.step("requests", (record) => {
    if (requests(store).every(({ reached }) => reached)) delete record.due.requests;
    else record.due.requests = context.environment.now() + waitMs;
    if (reachedRequests(store).length > 0) {
      makeDue(record.due, "checkpoint", context.environment.now());
    }
  });
  if (reachedRequests(store).length > 0) house.kick("checkpoint");
}

/** Asks each source for its end on behalf of the requests that do not know it yet; false when one did not answer. */
async function noteEnds(house: Coordination): Promise<boolean> {
  const { store } = house;
  const asking = requests(store).filter(({ ends }) => ends.includes(null));
  if (asking.length === 0) return true;
  const ids = new Set(asking.map(({ id }) => id));
  const reports = await reportsOf(
    house,
    asking[0]!.ends.map(() => 0),
    0,
  );
  const outcomes = store.step("request ends", (record) => {
    for (const report of reports) noteReport(house, record, report);
    // Requests come at once, and each asks for all: those that another has noted meanwhile cost no row.
    const unknown = requests(store).filter(({ id, ends }) => ids.has(id) && ends.includes(null));
    for (const one of unknown) {
      const ends = one.ends.map((end, source) => {
        const report = reports.find((candidate) => candidate.source === source);
        return end ?? (one.covers === "cut" ? report?.processed : report?.accepted) ?? null;
      });
      writeRequest(store, withProgress({ ...one, ends }, processedBy(house, record)));
    }
    return answerRequests(house, record);
  });
  settleAll(house, outcomes);
  return requests(store).every(({ id, ends }) => !ids.has(id) || !ends.includes(null));
}

/** Waits for the sources to cut what is asked for; false when one did not answer. */
async function awaitEnds(house: Coordination): Promise<boolean> {
  const { rows, store } = house;
  const waiting = requests(store).filter(({ reached }) => !reached);
  if (waiting.length === 0) return true;
  const lines = rows.sources(sourcesOf(store.record.shape)).map(({ report, source }) => {
    const missing = waiting
      .map(({ ends }) => ends[source] ?? 0)
      .filter((end) => end > (report?.processed ?? 0));
    return missing.length === 0 ? 0 : Math.min(...missing);
  });
  const reports = await reportsOf(house, lines, waitMs);
  store.step("request progress", (record) => {
    for (const report of reports) noteReport(house, record, report);
    const processed = processedBy(house, record);
    for (const one of waiting) writeRequest(store, withProgress(one, processed));
  });
  return reports.length === lines.length;
}

/** Requests that a checkpoint may be triggered for. */
export function reachedRequests(store: CoordinatorStore): CheckpointRequest[] {
  return requests(store).filter(({ reached }) => reached);
}

export interface Answered {
  readonly request: CheckpointRequest;
  readonly outcome: Outcome;
}

/** Answers, in the caller's transaction, the requests that the latest completed checkpoint covers. */
export function answerRequests(house: Coordination, record: JobRecord): Answered[] {
  const { rows, store } = house;
  const latest = rows.retained().find(({ id }) => id === record.completed);
  const sources = rows.sources(sourcesOf(record.shape));
  const answered = requests(store).filter(
    ({ changes, ends, endsTime, finishes, isFinal, mode }) => {
      if (changes > (record.changes?.covered ?? 0)) return false;
      const isCovered = ends.every((end, source) => {
        return end !== null && end <= (sources[source]?.completed.offset ?? 0);
      });
      // Stopping a job that never had a line needs no checkpoint; a client that asks for one gets one.
      if (!isCovered || (latest === undefined && (!isFinal || finishes === true))) return false;
      // A job ends with nothing in flight.
      if (isFinal && latest?.isUnaligned === true) return false;
      if (endsTime === true && latest !== undefined && latest.endsTime !== true) return false;
      return mode !== "full" || latest?.mode === "full";
    },
  );
  for (const { id } of answered) store.write("DELETE FROM request WHERE id = ?", id);
  if (answered.some(({ finishes }) => finishes === true)) {
    record.isFinishing = true;
    makeDue(record.due, "commit", house.context.environment.now());
  } else if (answered.some(({ isFinal }) => isFinal)) {
    raiseGeneration(house, record, "STOPPED", "The job was stopped.");
    dropRequests(house, record, "The job was stopped.");
  }
  const outcome: Outcome = { kind: "completed", checkpoint: record.completed };
  return answered.map((one) => ({ request: one, outcome }));
}

/** To be called after the transaction that answered them. */
export function settleAll({ waiters }: Coordination, answered: readonly Answered[]): void {
  for (const {
    request: { id },
    outcome,
  } of answered)
    waiters.settle(id, outcome);
}

/** Gives all requests up, in the caller's transaction: the job does not run any more. */
export function dropRequests(house: Coordination, record: JobRecord, reason: string): void {
  const { store, waiters } = house;
  for (const { id } of requests(store)) {
    store.write("DELETE FROM request WHERE id = ?", id);
    waiters.settle(id, { kind: "unavailable", reason });
  }
  delete record.due.requests;
}

export function requests(store: CoordinatorStore): CheckpointRequest[] {
  return store
    .read<{ data: string }>("SELECT data FROM request")
    .map(({ data }) => JSON.parse(data) as CheckpointRequest);
}

function writeRequest(store: CoordinatorStore, one: CheckpointRequest): void {
  store.write(
    "INSERT OR REPLACE INTO request (id, data) VALUES (?, ?)",
    one.id,
    JSON.stringify(one),
  );
}

function withProgress(one: CheckpointRequest, processed: readonly number[]): CheckpointRequest {
  const reached = one.ends.every((end, source) => end !== null && end <= (processed[source] ?? 0));
  return { ...one, reached };
}

async function reportsOf(
  house: Coordination,
  lines: readonly number[],
  timeoutMs: number,
): Promise<SourceReport[]> {
  const replies = await Promise.all(
    lines.map((line, source) =>
      askPeer(
        house,
        () => house.context.peers.source(source).awaitProcessed({ line, timeoutMs }),
        timeoutMs,
      ),
    ),
  );
  return replies.flatMap((reply) => (reply === undefined ? [] : [reply.answer]));
}

function noteReport({ rows }: Coordination, record: JobRecord, report: SourceReport): void {
  addOperations(record.operations, report.operations);
  if (report.generation !== record.generation) return;
  rows.writeSource({ ...rows.source(report.source), report });
}

function processedBy({ rows }: Coordination, record: JobRecord): readonly number[] {
  return rows.sources(sourcesOf(record.shape)).map(({ report }) => report?.processed ?? 0);
}
