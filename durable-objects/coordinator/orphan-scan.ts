/**
 * Finds objects that no row and no note knows, and has them deleted [10]: uploads whose note was lost
 * with its object, manifests that landed after they were deleted.
 *
 * The order makes it safe: list the bucket, then collect every partition's notes, then read the
 * registry. What was being uploaded at the listing is still noted, or has been named by an
 * acknowledgement since. One answer missing, or one manifest unreadable: nothing is deleted.
 * Limit: blobs younger than 24 hours stay, and so do those of other incarnations of the job.
 */
import { resolveChain, StateEngineError } from "../../state-engine/index.ts";
import type { OrphanScan } from "../coordinator-queries.ts";
import { changeOfStorage } from "./check-storage.ts";
import { askPeer, jobPrefix, taskPrefix, type Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { isUnavailable } from "./is-unavailable.ts";
import { addOperations, taskName, tasksOf, type JobRecord } from "./job-record.ts";
import type { RetainedCheckpoint } from "./rows.ts";
import { namedObjects } from "./output-segments.ts";
import { selectOrphans } from "./select-orphans.ts";

/** How often an active job is scanned, and how old a blob must be. */
export const scanPeriodMs = 24 * 3_600_000;
/** A scan that was given up is begun again with the first checkpoint that completes after this long. */
const repeatAfterMs = 3_600_000;
/** Blobs one page of a listing holds: each page is a billed operation. */
const blobsPerPage = 1_000;

/** Puts a scan on the due-list of an active job, at most one a day: called when a checkpoint completes. */
export function scheduleScan(record: JobRecord, now: number): void {
  if (now - (record.scannedAt ?? record.createdAt) >= scanPeriodMs)
    makeDue(record.due, "scan", now);
}

export async function scanOrphans(
  house: Coordination,
  minimumAgeMs: number = scanPeriodMs,
): Promise<OrphanScan> {
  const { context, store } = house;
  const { environment } = context;
  const moved = changeOfStorage(house.job, store.record);
  if (moved !== undefined) return { kind: "givenUp", reason: moved };
  store.step("begin scan", (record) => void (record.scannedAt = environment.now()));
  const found = await lookAround(house);
  return store.step("scan", (record): OrphanScan => {
    delete record.due.scan;
    if (typeof found === "string") {
      record.scannedAt = environment.now() - scanPeriodMs + repeatAfterMs;
      return { kind: "givenUp", reason: `${found} Nothing was deleted: try again later.` };
    }
    addOperations(record.operations, {
      classA: Math.max(1, Math.ceil(found.listed.length / blobsPerPage)),
      classB: found.reads,
      rowsWritten: 0,
      requests: 0,
    });
    const { orphans, young, foreign } = selectOrphans({
      ...found,
      jobPrefix: jobPrefix(house.job, record),
      known: new Set([
        ...found.live,
        ...house.registry.allPaths(),
        ...acknowledgedPaths(house, record),
      ]),
      now: environment.now(),
      minimumAgeMs,
    });
    house.registry.registerLost(orphans, record.completed, true);
    if (orphans.length > 0) makeDue(record.due, "sweep", environment.now());
    return {
      kind: "scanned",
      listed: found.listed.length,
      orphans: orphans.length,
      orphanBytes: orphans.reduce((sum, { size }) => sum + size, 0),
      young,
      foreign,
    };
  });
}

/** Uploads named by acknowledgements of the pending checkpoint: they are registered when it ends. */
function acknowledgedPaths({ rows }: Coordination, { pending }: JobRecord): string[] {
  if (pending === undefined) return [];
  return rows
    .acknowledgements(pending.id)
    .flatMap(({ data }) => namedObjects(data).map(({ path }) => path));
}

/** Everything that has to be asked of others, in the order that counts; or why it could not be. */
async function lookAround(house: Coordination) {
  const { context, job, rows, store } = house;
  const record = store.record;
  try {
    const listed = await context.blobStore.list(jobPrefix(job, record));
    const live = await livePaths(house, rows.retained());
    const names = new Map(rows.tasks().map(({ task }) => [taskName(task), task]));
    for (const task of tasksOf(job, record.shape)) names.set(taskName(task), task);
    const noted = new Set<string>();
    for (const task of names.values()) {
      const reply = await askPeer(house, () => context.peers.partition(task).notedUploads());
      if (reply === undefined) return `Partition ${taskName(task)} did not say what it has noted.`;
      for (const path of reply.answer) noted.add(path);
    }
    const taskPrefixes = [...names.values()].map((task) => taskPrefix(job, record, task));
    return { listed, noted, taskPrefixes, ...live };
  } catch (error) {
    if (!(error instanceof StateEngineError)) throw error;
    if (!isUnavailable(error)) context.reportError(error, "reading what retained checkpoints list");
    return `The bucket could not be read: ${error.message}`;
  }
}

/** What the manifests themselves list, whatever the registry says: a second witness. */
async function livePaths(
  { context, rows }: Coordination,
  retained: readonly RetainedCheckpoint[],
): Promise<{ live: Set<string>; reads: number }> {
  const live = new Set<string>();
  let reads = 0;
  for (const { chain, id, path } of retained) {
    reads += 1 + chain.length;
    for (const manifest of [...chain, path]) live.add(manifest);
    try {
      const { partitions } = await resolveChain(context.blobStore, path, context.environment);
      for (const { inFlight, tables } of partitions) {
        for (const table of tables) live.add(table.path);
        if (inFlight !== undefined && "path" in inFlight.data) live.add(inFlight.data.path);
      }
    } catch (error) {
      // Subsumed while it was read: what it alone listed is the sweep's.
      if (rows.retained().some((checkpoint) => checkpoint.id === id)) throw error;
    }
  }
  return { live, reads };
}
