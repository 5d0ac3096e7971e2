/** Makes the state handles of one runner and finds them again by state id. */
import type { MergeOperator } from "../../state-engine/index.ts";
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { BroadcastMapState } from "../state/broadcast-map-state.ts";
import { createState, mergeOperatorOf, type StateOf } from "../state/create-state.ts";
import type { InternalState, MapState } from "../state/keyed-state.ts";
import { StateAccess } from "../state/state-access.ts";
import type { MapStateDescriptor, StateDescriptor } from "../state/state-descriptor.ts";
import { StoredMapState } from "../state/stored-map-state.ts";
import type { OperatorSetup } from "./keyed-operator.ts";

export interface OperatorStatesOptions {
  readonly kind: string;
  readonly states: readonly StateDescriptor[];
  /** State names to ids. Ids never change for a state once it has been stored. */
  readonly stateIds: ReadonlyMap<string, number>;
  readonly keyType: KeyType;
  readonly keyGroups: KeyGroupRange;
  readonly access: StateAccess;
}

export class OperatorStates implements OperatorSetup {
  readonly #options: OperatorStatesOptions;
  readonly #byId = new Map<number, InternalState>();
  /** Set by the runner while it processes a broadcast record. */
  isBroadcastWritable = false;

  constructor(options: OperatorStatesOptions) {
    this.#options = options;
  }

  get keyType(): KeyType {
    return this.#options.keyType;
  }

  state<D extends StateDescriptor>(descriptor: D): StateOf<D> {
    const id = this.idOf(descriptor);
    const state = createState(descriptor, this.#options.access, id);
    this.#byId.set(id, state);
    return state;
  }

  broadcastState<K extends string | number, V>(
    descriptor: MapStateDescriptor<K, V>,
  ): MapState<K, V> {
    const { name, keyType, codec } = descriptor;
    const stateId = this.idOf(descriptor);
    return new BroadcastMapState({
      name,
      keyGroups: this.#options.keyGroups,
      isWritable: () => this.isBroadcastWritable,
      mapOf: (keyGroup) => {
        const access = new StateAccess(this.#options.access.overlay, () => undefined);
        access.setKey(keyGroup, new Uint8Array(0));
        return new StoredMapState<K, V>({ name, access, stateId, codec, keyType, ttl: undefined });
      },
    });
  }

  handle(id: number): InternalState | undefined {
    return this.#byId.get(id);
  }

  idOf(descriptor: StateDescriptor): number {
    const { kind, states, stateIds } = this.#options;
    const id = stateIds.get(descriptor.name);
    if (id === undefined || !states.some(({ name }) => name === descriptor.name)) {
      throw new Error(
        `The ${kind} uses the state "${descriptor.name}", which its definition does not list.`,
      );
    }
    return id;
  }
}

/** The operands each state may be given, by state id. */
export function mergeOperatorsById(
  states: readonly StateDescriptor[],
  stateIds: ReadonlyMap<string, number>,
): ReadonlyMap<number, MergeOperator> {
  const operators = new Map<number, MergeOperator>();
  for (const state of states) {
    const operator = mergeOperatorOf(state);
    const id = stateIds.get(state.name);
    if (operator !== undefined && id !== undefined) operators.set(id, operator);
  }
  return operators;
}
