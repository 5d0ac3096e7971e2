/**
 * The Coordinator of one job: triggers checkpoints, collects acknowledgements, publishes manifests,
 * keeps the registry of objects, restarts the job, answers every question about it.
 *
 * Promise: everything it knows is in SQLite before it acts on it or answers, so it may lose its
 * memory at any await. Decisions are pure functions (plan-*, decide-*, select-*); this class and the
 * files around it only carry them out. With nothing to do it has no alarm and makes no call [26].
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type {
  CommittedOutput,
  JsonObject,
  LocatedCheckpoint,
  OrphanScan,
  OutputCommit,
  OutputRequest,
  RequestedCheckpoint,
  StartAnswer,
  StartRequest,
  StopAnswer,
  StopRequest,
  Topology,
} from "../coordinator-queries.ts";
import type {
  AcknowledgeAnswer,
  Acknowledgement,
  AttachPartitionAnswer,
  AttachPartitionRequest,
  AttachSourceAnswer,
  AttachSourceRequest,
  ChangeReason,
  CheckpointDecline,
  CheckpointMode,
  CoordinatorCalls,
  JobStatus,
  SourceReport,
  TaskChange,
  TaskFailure,
} from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { RollbackAnswer, RollbackRequest } from "../vertex-messages.ts";
import { acknowledge } from "./acknowledge.ts";
import { attachPartition, attachSource } from "./attach.ts";
import { taskChanged } from "./changes.ts";
import { checkShape } from "./check-shape.ts";
import { changeOfStorage, waitsForStorage } from "./check-storage.ts";
import { CommitExecutor } from "./commit-executor.ts";
import type { ExternalSink } from "./commits.ts";
import { finish } from "./complete.ts";
import type { Coordination } from "./coordination.ts";
import { decline } from "./decline.ts";
import { cost } from "./cost.ts";
import { describeJob, exceptions, topology } from "./describe.ts";
import { purposesDue, retryAfterMs, type Purpose } from "./due-list.ts";
import { expire, fail } from "./failure.ts";
import { deleteStrays, sweep } from "./garbage.ts";
import { resumeIfDue } from "./generation.ts";
import { isUnavailable } from "./is-unavailable.ts";
import { start, stop } from "./lifecycle.ts";
import { notify } from "./notify.ts";
import { commitsAfter, pruneOutput, readOutput } from "./output-index.ts";
import { scanOrphans } from "./orphan-scan.ts";
import { Registry } from "./registry.ts";
import { pursueRequests, request, requestLimit, requests } from "./requests.ts";
import { rollBack } from "./rollback.ts";
import { CoordinatorRows } from "./rows.ts";
import {
  checkpointConfiguration,
  checkpointDetail,
  checkpointStatistics,
  checkpointSubtasks,
} from "./statistics.ts";
import { CoordinatorStore } from "./store.ts";
import { askSources, sourceChanged, triggerCheckpoint } from "./trigger.ts";
import { commitsAwaited, Waiters } from "./waiters.ts";

/** The longest a caller of requestCheckpoint waits. */
const longestWaitMs = 60_000;
const retryAfterSeconds = 5;

export class JobCoordinator implements CoordinatorCalls {
  readonly #house: Coordination;
  readonly #commits: CommitExecutor;
  /** Purposes under way in this memory, and whether each is to run once more afterwards. */
  readonly #running = new Map<Purpose, { again: boolean }>();

  constructor(context: ObjectContext, job: JobGraph, sinks: readonly ExternalSink[] = []) {
    const store = new CoordinatorStore(context, job);
    this.#house = {
      context,
      job,
      store,
      rows: new CoordinatorRows(store),
      registry: new Registry(store),
      sinks,
      waiters: new Waiters(context),
      kick: (purpose) => this.#kick(purpose),
    };
    this.#commits = new CommitExecutor(this.#house);
    checkShape(this.#house);
  }

  /** Runs what is due. What is begun stays on the due-list until it has ended, so a crash only delays it [27]. */
  async alarm(): Promise<void> {
    const { context, store } = this.#house;
    const now = context.environment.now();
    const purposes = store.step("alarm", (record) => {
      const facts = { ...record, hasPending: record.pending !== undefined };
      const due = purposesDue(facts, now);
      for (const purpose of due) record.due[purpose] = now + retryAfterMs[purpose];
      return due;
    });
    // Not awaited: while a handler runs no other alarm does, and a deadline must not wait for a slow call.
    for (const purpose of purposes) this.#kick(purpose);
  }

  // ------------------------------------------------------------ tasks

  async attachSource(attach: AttachSourceRequest): Promise<AttachSourceAnswer> {
    return attachSource(this.#house, attach);
  }

  async attachPartition(attach: AttachPartitionRequest): Promise<AttachPartitionAnswer> {
    return attachPartition(this.#house, attach);
  }

  async acknowledge(acknowledgement: Acknowledgement): Promise<AcknowledgeAnswer> {
    return acknowledge(this.#house, acknowledgement);
  }

  async declineCheckpoint(declined: CheckpointDecline): Promise<void> {
    decline(this.#house, declined);
  }

  async sourceChanged(change: { report: SourceReport; reason: ChangeReason }): Promise<void> {
    sourceChanged(this.#house, change);
  }

  async taskChanged(change: TaskChange): Promise<void> {
    taskChanged(this.#house, change);
  }

  async fail(failure: TaskFailure): Promise<void> {
    fail(this.#house, failure);
  }

  // ------------------------------------------------------------ control

  async requestRollback(request: RollbackRequest): Promise<RollbackAnswer> {
    return rollBack(this.#house, request);
  }

  async requestCheckpoint(wanted: {
    mode?: CheckpointMode;
    waitMs: number;
  }): Promise<RequestedCheckpoint> {
    const { store } = this.#house;
    const { status } = store.record;
    if (status !== "RUNNING" || requests(store).length >= requestLimit) {
      return { kind: "unavailable", status, retryAfterSeconds };
    }
    const { mode } = wanted;
    const waitMs = Math.min(longestWaitMs, Math.max(0, wanted.waitMs));
    const { id, outcome } = await request(
      this.#house,
      { covers: "accepted", isFinal: false, ...(mode !== undefined && { mode }) },
      waitMs,
    );
    if (outcome === undefined) return { kind: "pending", requestId: id };
    const detail =
      outcome.kind === "completed" && checkpointDetail(this.#house, outcome.checkpoint);
    if (detail) return { kind: "completed", detail };
    return { kind: "unavailable", status: store.record.status, retryAfterSeconds };
  }

  stop(how: StopRequest): Promise<StopAnswer> {
    return stop(this.#house, how);
  }

  scanOrphans(wanted: { minimumAgeMs?: number }): Promise<OrphanScan> {
    return scanOrphans(this.#house, wanted.minimumAgeMs);
  }

  start(wanted: StartRequest): Promise<StartAnswer> {
    return start(this.#house, wanted);
  }

  // ------------------------------------------------------------ questions

  async topology(): Promise<Topology> {
    return topology(this.#house);
  }

  async status(): Promise<{ status: JobStatus }> {
    return { status: this.#house.store.record.status };
  }

  async describeJob(): Promise<JsonObject> {
    return describeJob(this.#house);
  }

  async exceptions(): Promise<JsonObject> {
    return exceptions(this.#house);
  }

  async checkpointStatistics(): Promise<JsonObject> {
    return checkpointStatistics(this.#house);
  }

  async checkpointConfiguration(): Promise<JsonObject> {
    return checkpointConfiguration(this.#house);
  }

  async checkpointDetail(id: number): Promise<JsonObject | undefined> {
    return checkpointDetail(this.#house, id);
  }

  async checkpointSubtasks(of: { id: number; vertex: string }): Promise<JsonObject | undefined> {
    return checkpointSubtasks(this.#house, of);
  }

  async locateCheckpoint(id: number): Promise<LocatedCheckpoint> {
    const { job, rows, store } = this.#house;
    const moved = changeOfStorage(job, store.record);
    if (moved !== undefined) return { kind: "elsewhere", reason: moved };
    const found = rows.retained().find((checkpoint) => checkpoint.id === id);
    if (found !== undefined) return { kind: "found", path: found.path };
    const [row] = store.read<{ status: string }>("SELECT status FROM history WHERE id = ?", id);
    return { kind: row?.status === "COMPLETED" ? "gone" : "unknown" };
  }

  async readOutput(wanted: OutputRequest): Promise<CommittedOutput> {
    const { job, store } = this.#house;
    const moved = changeOfStorage(job, store.record);
    const answer = readOutput(this.#house, wanted);
    if (moved === undefined || answer.kind === "gone") return answer;
    return { ...answer, elsewhere: moved };
  }

  async latestCheckpoint(): Promise<number> {
    return this.#house.store.record.completed;
  }

  async awaitCommits(wanted: { after: number; waitMs: number }): Promise<readonly OutputCommit[]> {
    const known = commitsAfter(this.#house, wanted.after);
    if (known.length > 0) return known;
    const waitMs = Math.min(longestWaitMs, Math.max(0, wanted.waitMs));
    await this.#house.waiters.wait(commitsAwaited, waitMs);
    return commitsAfter(this.#house, wanted.after);
  }

  async cost(): Promise<JsonObject> {
    return cost(this.#house);
  }

  // ------------------------------------------------------------ the due-list's purposes

  #kick(purpose: Purpose): void {
    this.#house.context.keepAlive(this.#run(purpose));
  }

  /** One run of each purpose at a time; a kick meanwhile makes it run once more. Never rejects. */
  async #run(purpose: Purpose): Promise<void> {
    const running = this.#running.get(purpose);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const mine = { again: false };
    this.#running.set(purpose, mine);
    try {
      do {
        mine.again = false;
        await this.#perform(purpose);
      } while (mine.again);
    } catch (error) {
      // Storage that does not answer is tried again from the due-list; anything else is our bug.
      if (!isUnavailable(error)) this.#house.context.reportError(error, `running "${purpose}"`);
    } finally {
      this.#running.delete(purpose);
    }
  }

  async #perform(purpose: Purpose): Promise<void> {
    const house = this.#house;
    if (waitsForStorage(house, purpose)) return;
    switch (purpose) {
      case "checkpoint":
        return await triggerCheckpoint(house);
      case "repeat":
        return await askSources(house);
      case "deadline":
        return expire(house);
      case "finish":
        return await finish(house);
      case "notify":
        return await notify(house);
      case "sweep":
        return await sweep(house);
      case "stray":
        return await deleteStrays(house);
      case "commit":
        return this.#commits.run();
      case "output":
        return pruneOutput(house);
      case "scan":
        await scanOrphans(house);
        return;
      case "restart":
        house.store.step("restart", (record) => resumeIfDue(house, record));
        return;
      case "requests":
        return await pursueRequests(house);
    }
  }
}
