/** A reference to a table of two entries that no blob store has, for rules that look at references alone. */
import type { TableReference } from "../../state-engine/version/table-reference.ts";

export function tableReference(id: string, changes: Partial<TableReference> = {}): TableReference {
  return {
    id,
    path: id,
    offset: 0,
    size: 100,
    level: 0,
    run: 1,
    keyGroups: { first: 0, last: 7 },
    smallestKey: "0001000161",
    largestKey: "000100016f",
    entries: 2,
    tombstones: 0,
    smallestSequence: 1,
    largestSequence: 2,
    formatVersion: 1,
    indexOffset: 50,
    ...changes,
  };
}
