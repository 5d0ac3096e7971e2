/**
 * Every version that an engine of this thread comes to show is checked when it is first looked at, and not only those
 * that are persisted. Their sequences are the engine's own business: persist() checks them.
 */
import { TableSet } from "../../state-engine/table-set.ts";
import { checkInvariants } from "../../state-engine/version/invariants.ts";
import type { Version } from "../../state-engine/version/version.ts";

const property = Object.getOwnPropertyDescriptor(TableSet.prototype, "version")!;
const checked = new WeakSet<Version>();
let count = 0;

/** From now on, in this thread. */
export function watchVersions(): void {
  Object.defineProperty(TableSet.prototype, "version", {
    ...property,
    get(this: TableSet): Version {
      const version = property.get!.call(this) as Version;
      if (!checked.has(version)) {
        checked.add(version);
        count++;
        checkInvariants(version, Infinity);
      }
      return version;
    },
  });
}

/** Versions that were checked so far. */
export function watchedVersions(): number {
  return count;
}
