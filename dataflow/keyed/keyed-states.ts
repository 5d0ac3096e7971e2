/**
 * The keyed states of a vertex that can be read from outside: by which name they are asked for, under
 * which id their entries are stored, and how keys and values read. Every state the operator declares
 * is listed, the runtime's own (an asynchronous function's waiting records) included.
 */
import { int64Addition, type MergeOperator, type StateSchema } from "../../state-engine/index.ts";
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import type { KeyedVertex, OperatorDefinition } from "../job-graph.ts";
import { mergeOperatorsById } from "../operators/operator-states.ts";
import { vertexSchemaOf } from "../schema/job-schema.ts";
import { COUNT_STATE_ID, stateIdsOf } from "../state-ids.ts";
import type { StateDescriptor, StateTtl } from "../state/state-descriptor.ts";

/**
 * What a reader sees. "window": contents per key and window. "broadcast": a map that is the same on
 * every partition, read by its own keys. The others as they were declared.
 */
export type StateKind =
  | "count"
  | "value"
  | "list"
  | "map"
  | "reducing"
  | "aggregating"
  | "window"
  | "broadcast";

export interface KeyedState {
  /** Unique within the job. */
  readonly name: string;
  readonly kind: StateKind;
  /** Second part of the state key; unique within the vertex. */
  readonly id: number;
  /** Of the keys that readers name: the stream's, or of a broadcast map its own. */
  readonly keyType: KeyType;
  /** Of a map: its keys within one key of the stream. */
  readonly mapKeyType?: KeyType;
  /** Name of the codec of values, of one element of a list. */
  readonly valueType: string;
  /** A stored value is a list of elements. */
  readonly isList: boolean;
  /** By which time values expire; absent when they do not. */
  readonly ttl?: NonNullable<StateTtl["time"]>;
  /** Absent for "int64". */
  readonly decode?: (value: Uint8Array) => unknown;
}

export function keyedStatesOf(vertex: KeyedVertex): readonly KeyedState[] {
  const { keyType, operator } = vertex;
  if (operator.kind === "count") {
    const { state: name } = operator;
    const int64 = { valueType: "int64", isList: false } as const;
    return [{ name, kind: "count", id: COUNT_STATE_ID, keyType, ...int64 }];
  }
  const ids = stateIdsOf(vertex);
  const { definition } = operator;
  return definition.states.map((state) => ({
    name: state.name,
    id: ids.get(state.name)!,
    ...placeOf(definition, state, keyType),
    ...valuesOf(state),
  }));
}

/** What manifests record of a state that this vertex declares. */
export function declaredSchemaOf(vertex: KeyedVertex, name: string): StateSchema {
  const { states } = vertexSchemaOf(vertex);
  return states[keyedStatesOf(vertex).findIndex((state) => state.name === name)]!;
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

/** Whether a scan can go from the largest value down: one number per key. */
export function isNumeric({ kind, valueType, isList }: KeyedState): boolean {
  return valueType === "int64" && !isList && !hasSubKeys({ kind });
}

/** Whether one key of the stream may have several entries. */
export function hasSubKeys({ kind }: Pick<KeyedState, "kind">): boolean {
  return kind === "map" || kind === "window" || kind === "broadcast";
}

function placeOf(
  { kind, windowStates, broadcastStates }: OperatorDefinition,
  state: StateDescriptor,
  keyType: KeyType,
): Pick<KeyedState, "kind" | "keyType" | "mapKeyType"> {
  if (broadcastStates?.includes(state.name) === true) {
    return { kind: "broadcast", keyType: state.keyType! };
  }
  if (windowStates?.includes(state.name) === true) return { kind: "window", keyType };
  if (kind === "count") return { kind, keyType };
  if (state.kind === "map") return { kind: "map", keyType, mapKeyType: state.keyType! };
  return { kind: state.kind, keyType };
}

function valuesOf({
  codec,
  kind,
  ttl,
}: StateDescriptor): Pick<KeyedState, "valueType" | "isList" | "ttl" | "decode"> {
  const values = codec as Codec<unknown>;
  return {
    valueType: codec.name,
    isList: kind === "list",
    ...(ttl !== undefined && { ttl: ttl.time ?? "processing" }),
    ...(codec.name !== "int64" && { decode: (bytes: Uint8Array) => values.decode(bytes) }),
  };
}
