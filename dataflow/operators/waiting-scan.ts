/** Finds, after a restore, the records that were waiting for a result. */
import { keyGroupOf, prefixEnd, splitStateSubKey } from "../../state-engine/index.ts";
import { keyCodecs } from "../../state-engine/state/key-codec.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type { StateEntry } from "../state/keyed-state-store.ts";
import type { StateOverlay } from "../state/state-overlay.ts";
import type { AsyncRequest, WaitingRecords } from "./keyed-operator.ts";
import { requestId } from "./open-requests.ts";

export interface FoundRequest {
  readonly id: string;
  readonly watermark: number;
  readonly isAnswered: boolean;
  readonly request: AsyncRequest;
}

/** In order of key group, key and sequence. May throw notResident, after asking for everything it needs. */
export function readWaiting(
  overlay: StateOverlay,
  keyGroups: KeyGroupRange,
  stateId: number,
  waiting: WaitingRecords,
): readonly FoundRequest[] {
  const found: FoundRequest[] = [];
  let missed: unknown;
  for (let keyGroup = keyGroups.first; keyGroup <= keyGroups.last; keyGroup++) {
    const prefix = Uint8Array.of(keyGroup >> 8, keyGroup, stateId >> 8, stateId);
    try {
      for (const entry of overlay.scan(prefix, prefixEnd(prefix))) {
        found.push(readEntry(entry, waiting));
      }
    } catch (error) {
      if (!overlay.missed) throw error;
      missed = error;
    }
  }
  if (missed !== undefined) throw missed;
  return found;
}

function readEntry(entry: StateEntry, waiting: WaitingRecords): FoundRequest {
  const { key, subKey } = splitStateSubKey(entry.key);
  const keyGroup = keyGroupOf(entry.key);
  const sequence = keyCodecs.integer.read(subKey) as number;
  const { record, watermark, isAnswered } = waiting.read(entry.value);
  const request = { keyGroup, key, sequence, record };
  return { id: requestId(keyGroup, key, sequence), watermark, isAnswered, request };
}
