/**
 * The keyed states of a vertex: by which name they are asked for, under which id their entries are
 * stored, and how keys and values read. The one place where state names become state ids.
 *
 * Promise: ids never change for a state once it has been stored.
 */
import { decodeInt64, int64Addition, type MergeOperator } from "../../state-engine/index.ts";
import { keyCodecs, type KeyType } from "../../state-engine/state/key-codec.ts";
import type { KeyedVertex } from "../job-graph.ts";

export interface KeyedState {
  /** Unique within the job. */
  readonly name: string;
  /** Second part of the state key; unique within the vertex. */
  readonly id: number;
  readonly keyType: KeyType;
  /** Decides how values read and compare. */
  readonly valueType: "int64";
}

/** The operator's own state. Ids above it are for states that users declare. */
const OPERATOR_STATE_ID = 1;

export function keyedStatesOf(vertex: KeyedVertex): readonly KeyedState[] {
  const { keyType, operator } = vertex;
  return [{ name: operator.state, id: OPERATOR_STATE_ID, keyType, valueType: "int64" }];
}

/** How the engine combines operands, by state id. */
export function mergeOperatorsOf(vertex: KeyedVertex): ReadonlyMap<number, MergeOperator> {
  return new Map(keyedStatesOf(vertex).map((state) => [state.id, int64Addition]));
}

/** A stored key as a JSON text. */
export function keyToJson(state: KeyedState, key: Uint8Array): string {
  return JSON.stringify(keyCodecs[state.keyType].read(key));
}

/** A stored value as a JSON text; exact, however large. */
export function valueToJson(_state: KeyedState, value: Uint8Array): string {
  return decodeInt64(value).toString();
}
