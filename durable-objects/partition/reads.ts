/**
 * Live reads: answered from the engine as it is now. The partition refuses key groups it does not own
 * and states its vertex does not have; waiting until it has caught up is the caller's part [20].
 */
import { keyedStatesOf, type KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import { readValue, scanByKey, scanByValue } from "../../dataflow/keyed/state-reader.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type { ReadAnswer, ReadRequest, ScanAnswer, ScanRequest } from "../messages.ts";

export interface LiveState {
  readonly vertex: KeyedVertex;
  readonly keyGroups: KeyGroupRange;
  readonly engine: Pick<StateEngine, "get" | "scan" | "snapshot">;
}

/** Most entries of one page, whatever was asked for. */
const MOST_ENTRIES = 10_000;

export async function readLive(live: LiveState, request: ReadRequest): Promise<ReadAnswer> {
  const state = stateNamed(live, request.state);
  if (state === undefined) return { kind: "unknownState" };
  const { keyGroup, key } = request;
  if (keyGroup < live.keyGroups.first || keyGroup > live.keyGroups.last) {
    return { kind: "notOwner" };
  }
  const json = await readValue(live.engine, { state, keyGroup, key });
  return json === undefined ? { kind: "missing" } : { kind: "found", json };
}

export async function scanLive(live: LiveState, request: ScanRequest): Promise<ScanAnswer> {
  const state = stateNamed(live, request.state);
  if (state === undefined) return { kind: "unknownState" };
  if (request.order === "valueDescending" && state.valueType !== "int64") {
    return { kind: "notNumeric" };
  }
  const { engine, keyGroups } = live;
  const { prefix, cursor } = request;
  const limit = Math.max(1, Math.min(request.limit, MOST_ENTRIES));
  const scan = { state, keyGroups, prefix, limit, ...(cursor !== undefined && { cursor }) };
  // Frames are applied between the reads of one page: a snapshot makes it one moment's.
  const snapshot = engine.snapshot();
  try {
    const view = {
      get: (key: Uint8Array) => engine.get(key),
      scan: (options: Parameters<StateEngine["scan"]>[0]) => engine.scan({ ...options, snapshot }),
    };
    const page = await (request.order === "key" ? scanByKey(view, scan) : scanByValue(view, scan));
    return { kind: "page", ...page };
  } finally {
    snapshot.release();
  }
}

function stateNamed(live: LiveState, name: string): KeyedState | undefined {
  return keyedStatesOf(live.vertex).find((state) => state.name === name);
}
