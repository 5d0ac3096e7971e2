/** Values that grow by operands put one after the other: right at every length, and cheap however long they get. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { stateKey, stateKeyHash } from "../../state-engine/index.ts";
import type { MergeOperator } from "../../state-engine/index.ts";
import { Memtable } from "../../state-engine/memtable/memtable.ts";
import { LIST_STATE, mergeOperators } from "./engine-fixture.ts";

// Operands are any bytes here, and nothing of them expires.
const growing: MergeOperator = {
  ...mergeOperators.get(LIST_STATE)!,
  prune: (value) => value,
};

const keyOf = (name: number): Uint8Array => stateKey(0, LIST_STATE, Uint8Array.of(name));

class Lists {
  readonly memtable = new Memtable(0, new Map([[LIST_STATE, growing]]));

  add(name: number, operand: Uint8Array): void {
    const key = keyOf(name);
    this.memtable.merge(key, 0, key.length, stateKeyHash(key, 0, key.length), operand, Infinity);
  }

  put(name: number, value: Uint8Array): void {
    const key = keyOf(name);
    this.memtable.put(
      key,
      0,
      key.length,
      stateKeyHash(key, 0, key.length),
      value,
      0,
      value.length,
      Infinity,
    );
  }

  delete(name: number): void {
    const key = keyOf(name);
    this.memtable.delete(key, 0, key.length, stateKeyHash(key, 0, key.length));
  }

  read(name: number): Uint8Array {
    const key = keyOf(name);
    return this.memtable.value(
      this.memtable.find(key, 0, key.length, stateKeyHash(key, 0, key.length)),
    );
  }
}

test("a value is all its operands since it was last put or deleted, whatever grows beside it", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "add", "add", "add", "put", "delete"),
    name: fc.nat(3),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 90 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const lists = new Lists();
      const model = new Map<number, number[]>();
      for (const { kind, name, bytes } of steps) {
        if (kind === "add") {
          lists.add(name, bytes);
          model.set(name, [...(model.get(name) ?? []), ...bytes]);
        } else if (kind === "put") {
          lists.put(name, bytes);
          model.set(name, [...bytes]);
        } else {
          lists.delete(name);
          model.set(name, []);
        }
      }
      for (const [name, bytes] of model) expect([...lists.read(name)]).toEqual(bytes);
    }),
  );
});

test("a list of 5,000 elements takes memory in proportion to it while it grows", () => {
  const lists = new Lists();
  const element = new Uint8Array(100).fill(7);
  for (let count = 0; count < 5000; count++) lists.add(0, element);
  expect(lists.read(0)).toEqual(new Uint8Array(500_000).fill(7));
  // Its room, and what it left behind each time it doubled.
  expect(lists.memtable.filledBytes).toBeLessThan(3 * 500_000);
});
