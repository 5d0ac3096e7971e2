/** What goes into an OperatorRunner, and what it says of itself. Types only. */
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type { KeyedStateStore } from "../state/keyed-state-store.ts";
import type { AnyKeyedOperator, OperatorOutput } from "./keyed-operator.ts";

export interface OperatorRunnerOptions {
  readonly operator: Pick<AnyKeyedOperator, "kind" | "states" | "create">;
  /** State names to ids, below FIRST_RESERVED_STATE_ID. */
  readonly stateIds: ReadonlyMap<string, number>;
  readonly keyType: KeyType;
  readonly keyGroups: KeyGroupRange;
  readonly store: KeyedStateStore;
  readonly output: OperatorOutput;
  /** What a restored checkpoint had applied [13, 15]. */
  readonly restored?: { readonly watermark: number; readonly processingTime: number };
}

/** A record on its way to a runner. May be reused by the caller. */
export interface KeyedRecord {
  readonly keyGroup: number;
  /** Must not change until process() has answered true. */
  readonly key: Uint8Array;
  readonly value: unknown;
  readonly timestamp: number | undefined;
  /** When its line was accepted, ms since the epoch [15]. */
  readonly arrivalTime: number;
  /** Where it stands in its log, when it comes from one. */
  readonly line?: number | undefined;
}

/** What a runner was doing when something threw. */
export interface RunnerActivity {
  readonly doing: "record" | "broadcast" | "timer" | "result" | "update";
  /** Of the record that is to blame, and of no other. */
  readonly line: number | undefined;
  readonly key: unknown;
}
