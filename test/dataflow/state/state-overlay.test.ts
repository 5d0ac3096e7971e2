import * as fc from "fast-check";
import { expect, test } from "vitest";
import { listAppend } from "../../../dataflow/state/list-append.ts";
import { MemoryStateStore } from "../../../dataflow/state/memory-state-store.ts";
import { StateOverlay } from "../../../dataflow/state/state-overlay.ts";

const APPENDED = 2;
const mergeOperators = new Map([[APPENDED, listAppend]]);
const keyOf = (sub: number): Uint8Array => Uint8Array.of(0, 0, 0, APPENDED, sub);
const whole = [keyOf(0), keyOf(255)] as const;

const operation = fc.record({
  kind: fc.constantFrom("put", "delete", "merge", "commit", "clear", "scan"),
  sub: fc.integer({ min: 0, max: 5 }),
  value: fc.integer({ min: 0, max: 255 }),
  limit: fc.integer({ min: 1, max: 7 }),
});

test("an overlay shows the writes so far over the store, and commits or forgets them together", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const store = new MemoryStateStore({ mergeOperators });
      const overlay = new StateOverlay(store, mergeOperators);
      let committed = new Map<number, readonly number[]>();
      let model = new Map<number, readonly number[]>();
      for (const { kind, sub, value, limit } of operations) {
        if (kind === "put") {
          overlay.put(keyOf(sub), Uint8Array.of(value));
          model.set(sub, [value]);
        } else if (kind === "delete") {
          overlay.delete(keyOf(sub));
          model.delete(sub);
        } else if (kind === "merge") {
          overlay.merge(keyOf(sub), Uint8Array.of(value));
          model.set(sub, [...(model.get(sub) ?? []), value]);
        } else if (kind === "commit") {
          overlay.commit();
          committed = new Map(model);
        } else if (kind === "clear") {
          overlay.clear();
          model = new Map(committed);
        }
        const sorted = [...model].toSorted(([a], [b]) => a - b);
        const scanned = overlay
          .scan(...whole, limit)
          .map(({ key, value: bytes }) => [key[4], [...bytes]]);
        expect(scanned).toEqual(sorted.slice(0, limit));
        const found = overlay.get(keyOf(sub));
        expect(found && [...found]).toEqual(model.get(sub));
        expect(store.size).toBe(committed.size);
      }
    }),
  );
});
