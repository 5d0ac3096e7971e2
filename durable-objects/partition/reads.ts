/**
 * Live reads: answered from the engine as it is now. The partition refuses key groups it does not own
 * and states its vertex does not have; waiting until it has caught up is the caller's part [20].
 */
import { isNumeric, keyedStatesOf, type KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import {
  readValue,
  scanByKey,
  scanByValue,
  scanKey,
  type StateView,
} from "../../dataflow/keyed/state-reader.ts";
import type { StateTime } from "../../dataflow/keyed/stored-entry.ts";
import { restoredWatermark } from "../../dataflow/time/timestamp.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type {
  PartitionState,
  ReadAnswer,
  ReadRequest,
  ScanAnswer,
  ScanRequest,
} from "../messages.ts";

export interface LiveState {
  readonly vertex: KeyedVertex;
  readonly keyGroups: KeyGroupRange;
  readonly engine: Pick<StateEngine, "get" | "scan" | "snapshot">;
  /** Where the task stands, as a checkpoint keeps it: what has expired by then is not shown. */
  readonly times: Pick<PartitionState, "time" | "watermark">;
}

/** Most entries of one page, whatever was asked for. */
const MOST_ENTRIES = 10_000;

export async function readLive(live: LiveState, request: ReadRequest): Promise<ReadAnswer> {
  const state = stateNamed(live, request.state);
  if (state === undefined) return { kind: "unknownState" };
  const { keyGroup, key } = request;
  if (!isOwned(live, keyGroup)) return { kind: "notOwner" };
  const time = timeOf(live);
  const value = await withSnapshot(live, (view) => readValue(view, { state, time, keyGroup, key }));
  if (value === undefined) return { kind: "missing" };
  return value === "tooLarge" ? { kind: "tooLarge" } : { kind: "found", json: value.json };
}

export async function scanLive(live: LiveState, request: ScanRequest): Promise<ScanAnswer> {
  const state = stateNamed(live, request.state);
  if (state === undefined) return { kind: "unknownState" };
  const { order, prefix, cursor, only } = request;
  if (order === "valueDescending" && !isNumeric(state)) return { kind: "notNumeric" };
  if (only !== undefined && !isOwned(live, only.keyGroup)) return { kind: "notOwner" };
  const { keyGroups } = live;
  const limit = Math.max(1, Math.min(request.limit, MOST_ENTRIES));
  const page = { state, time: timeOf(live), limit, ...(cursor !== undefined && { cursor }) };
  const scan = { ...page, keyGroups, prefix };
  const read = async (view: StateView) => {
    if (only !== undefined) return scanKey(view, { ...page, ...only });
    return order === "key" ? scanByKey(view, scan) : scanByValue(view, scan);
  };
  return { kind: "page", ...(await withSnapshot(live, read)) };
}

/** Frames are applied between the reads of one answer: a snapshot makes it one moment's. */
async function withSnapshot<Answer>(
  { engine }: LiveState,
  read: (view: StateView) => Promise<Answer>,
): Promise<Answer> {
  const snapshot = engine.snapshot();
  try {
    return await read({
      get: (key) => engine.get(key),
      scan: (options) => engine.scan({ ...options, snapshot }),
    });
  } finally {
    snapshot.release();
  }
}

/** The end of the input ages nothing, as in state/state-access.ts. */
function timeOf({ times: { time, watermark } }: LiveState): StateTime {
  const event = restoredWatermark(watermark ?? -Infinity);
  return { processing: time, event: event === Infinity ? -Infinity : event };
}

function isOwned({ keyGroups }: LiveState, keyGroup: number): boolean {
  return keyGroup >= keyGroups.first && keyGroup <= keyGroups.last;
}

function stateNamed(live: LiveState, name: string): KeyedState | undefined {
  return keyedStatesOf(live.vertex).find((state) => state.name === name);
}
