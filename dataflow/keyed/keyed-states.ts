/**
 * The keyed states of a vertex that can be read from outside: by which name they are asked for, under
 * which id their entries are stored, and how keys and values read.
 *
 * Limit: one value per key. Lists, maps and what belongs to windows are not listed here.
 */
import { decodeInt64, int64Addition, type MergeOperator } from "../../state-engine/index.ts";
import { keyCodecs, type KeyType } from "../../state-engine/state/key-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import type { KeyedVertex, OperatorDefinition } from "../job-graph.ts";
import { toJsonText } from "../json-text.ts";
import { mergeOperatorsById } from "../operators/operator-states.ts";
import { COUNT_STATE_ID, stateIdsOf } from "../state-ids.ts";
import type { StateDescriptor } from "../state/state-descriptor.ts";
import { TIMESTAMP_BYTES } from "../time/timestamp.ts";

export interface KeyedState {
  /** Unique within the job. */
  readonly name: string;
  /** Second part of the state key; unique within the vertex. */
  readonly id: number;
  readonly keyType: KeyType;
  /** Name of the codec of values. "int64" values have an order. */
  readonly valueType: string;
  /** Absent for "int64". */
  readonly decode?: (value: Uint8Array) => unknown;
}

const singleValues: ReadonlySet<string> = new Set(["value", "reducing", "aggregating"]);

export function keyedStatesOf(vertex: KeyedVertex): readonly KeyedState[] {
  const { keyType, operator } = vertex;
  if (operator.kind === "count") {
    return [{ name: operator.state, id: COUNT_STATE_ID, keyType, valueType: "int64" }];
  }
  const ids = stateIdsOf(vertex);
  return operator.definition.states
    .filter((state) => isSingleValue(operator.definition, state))
    .map((state) => ({ name: state.name, id: ids.get(state.name)!, keyType, ...readerOf(state) }));
}

/** How the engine combines operands, by state id. */
export function mergeOperatorsOf(vertex: KeyedVertex): ReadonlyMap<number, MergeOperator> {
  const { operator } = vertex;
  const counting: ReadonlyMap<number, MergeOperator> = new Map([[COUNT_STATE_ID, int64Addition]]);
  if (operator.kind === "count") return counting;
  // A count that nobody followed before has left operands behind.
  if (operator.definition.kind === "count") return counting;
  return mergeOperatorsById(operator.definition.states, stateIdsOf(vertex));
}

/** A stored key as a JSON text. */
export function keyToJson(state: KeyedState, key: Uint8Array): string {
  return JSON.stringify(keyCodecs[state.keyType].read(key));
}

/** A stored value as a JSON text; integers exact, however large. */
export function valueToJson(state: KeyedState, value: Uint8Array): string {
  return state.decode === undefined
    ? decodeInt64(value).toString()
    : toJsonText(state.decode(value));
}

function isSingleValue(definition: OperatorDefinition, state: StateDescriptor): boolean {
  const isWindowed = definition.kind.startsWith("window") || definition.kind === "countWindow";
  return singleValues.has(state.kind) && !isWindowed;
}

/** An event-time deadline stands in front of the value (state/expiry.ts). */
function readerOf({ codec, ttl }: StateDescriptor): Pick<KeyedState, "valueType" | "decode"> {
  const hasDeadline = ttl?.time === "event";
  if (codec.name === "int64" && !hasDeadline) return { valueType: "int64" };
  const values = codec as Codec<unknown>;
  return {
    valueType: codec.name,
    decode: (value) => values.decode(hasDeadline ? value.subarray(TIMESTAMP_BYTES) : value),
  };
}
