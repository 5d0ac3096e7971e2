/**
 * Tells tasks what was decided until they have answered: a new generation, an abort, a completion
 * [22, 23]. Nothing depends on a notice arriving: every barrier names its base [7].
 */
import type { PartitionCalls, SourceCalls, TaskId } from "../messages.ts";
import { askPeer, type Coordination } from "./coordination.ts";
import { taskName, type JobRecord, type Notices } from "./job-record.ts";
import { truncateBefore } from "./progress.ts";

/** Pause between rounds while somebody does not answer: doubled each time up to the largest. */
const firstPauseMs = 2_000;
const largestPauseMs = 60_000;

type Told = Required<Omit<Notices, "rounds">>;

export async function notify(house: Coordination): Promise<void> {
  const record = house.store.record;
  const { notices } = record;
  const told: Told = {
    completed: { checkpoint: notices.completed?.checkpoint ?? 0, sources: [] },
    aborted: { checkpoint: notices.aborted?.checkpoint ?? 0, sources: [], tasks: [] },
    enter: { generation: notices.enter?.generation ?? 0, sources: [], tasks: [] },
  };
  await Promise.all([
    ...tellEnter(house, record, told),
    ...tellAborted(house, record, told),
    ...tellCompleted(house, record, told),
  ]);
  house.store.step("notify", (now) => {
    const before = JSON.stringify(now.notices);
    now.notices = withoutTold(now.notices, told);
    if (isEmpty(now.notices)) {
      now.notices = { rounds: 0 };
      delete now.due.notify;
      return;
    }
    const progressed = before !== JSON.stringify(now.notices);
    now.notices.rounds = progressed ? 0 : now.notices.rounds + 1;
    const pauseMs = Math.min(largestPauseMs, firstPauseMs * 2 ** Math.min(10, now.notices.rounds));
    now.due.notify = house.context.environment.now() + pauseMs;
  });
}

function tellEnter(house: Coordination, record: JobRecord, told: Told): Promise<void>[] {
  const { enter } = record.notices;
  if (enter === undefined) return [];
  const request = { generation: record.generation, status: record.status };
  return [
    ...enter.sources.map((source) =>
      tellSource(house, source, told.enter.sources, (peer) => peer.enter(request)),
    ),
    ...enter.tasks.map((task) =>
      tellPartition(house, task, told.enter.tasks, (peer) => peer.enter(request)),
    ),
  ];
}

function tellAborted(house: Coordination, record: JobRecord, told: Told): Promise<void>[] {
  const { aborted } = record.notices;
  if (aborted === undefined) return [];
  const request = { generation: record.generation, checkpoint: aborted.checkpoint };
  return [
    ...aborted.sources.map((source) =>
      tellSource(house, source, told.aborted.sources, (peer) => peer.abortCheckpoint(request)),
    ),
    ...aborted.tasks.map((task) =>
      tellPartition(house, task, told.aborted.tasks, (peer) => peer.abortCheckpoint(request)),
    ),
  ];
}

function tellCompleted(house: Coordination, record: JobRecord, told: Told): Promise<void>[] {
  const { completed } = record.notices;
  if (completed === undefined) return [];
  const retained = house.rows.retained();
  return house.rows.sources(completed.sources).map((row) => {
    const request = {
      generation: record.generation,
      checkpoint: completed.checkpoint,
      offset: row.completed.offset,
      truncateBefore: truncateBefore(retained, row),
    };
    return tellSource(house, row.source, told.completed.sources, (peer) =>
      peer.completeCheckpoint(request),
    );
  });
}

async function tellSource(
  house: Coordination,
  source: number,
  told: number[],
  call: (peer: SourceCalls) => Promise<void>,
): Promise<void> {
  const reply = await askPeer(house, () => call(house.context.peers.source(source)));
  if (reply !== undefined) told.push(source);
}

async function tellPartition(
  house: Coordination,
  task: TaskId,
  told: TaskId[],
  call: (peer: PartitionCalls) => Promise<void>,
): Promise<void> {
  const reply = await askPeer(house, () => call(house.context.peers.partition(task)));
  if (reply !== undefined) told.push(task);
}

/** What is left to tell; a notice that became a newer one meanwhile stays whole. */
function withoutTold(notices: Notices, told: Told): Notices {
  const left: Notices = { ...notices };
  if (left.enter?.generation === told.enter.generation) {
    left.enter = {
      ...left.enter,
      sources: except(left.enter.sources, told.enter.sources),
      tasks: exceptTasks(left.enter.tasks, told.enter.tasks),
    };
  }
  if (left.aborted?.checkpoint === told.aborted.checkpoint) {
    left.aborted = {
      ...left.aborted,
      sources: except(left.aborted.sources, told.aborted.sources),
      tasks: exceptTasks(left.aborted.tasks, told.aborted.tasks),
    };
  }
  if (left.completed?.checkpoint === told.completed.checkpoint) {
    left.completed = {
      ...left.completed,
      sources: except(left.completed.sources, told.completed.sources),
    };
  }
  return left;
}

function isEmpty({ aborted, completed, enter }: Notices): boolean {
  const names = [
    ...(aborted?.sources ?? []),
    ...(aborted?.tasks ?? []),
    ...(completed?.sources ?? []),
    ...(enter?.sources ?? []),
    ...(enter?.tasks ?? []),
  ];
  return names.length === 0;
}

function except(left: readonly number[], told: readonly number[]): number[] {
  return left.filter((one) => !told.includes(one));
}

function exceptTasks(left: readonly TaskId[], told: readonly TaskId[]): TaskId[] {
  const names = new Set(told.map(taskName));
  return left.filter((one) => !names.has(taskName(one)));
}
