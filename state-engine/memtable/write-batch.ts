/**
 * A batch of writes, all of them or none: it is checked as a whole, its merges are tried out, and then it goes
 * into one memtable without a step at which it could fail. Synchronous, so that nobody reads, freezes or
 * flushes in between. Does not wait for memory: StateEngine.admit() does that.
 */
import type { StateWrite } from "../engine-types.ts";
import { StateEngineError } from "../errors.ts";
import type { EngineOptions } from "../options.ts";
import { operatorOf } from "../read/merge-operands.ts";
import { ownedRange } from "../state/owned-range.ts";
import { STATE_KEY_HEADER_BYTES, keyGroupOf, stateIdOf, stateKeyHash } from "../state/state-key.ts";
import { KIND_DELETE, KIND_PUT } from "./entry-kind.ts";
import { KEY_LENGTH_LIMIT, RECORD_BYTES } from "./entry-record.ts";
import { Memtable } from "./memtable.ts";
import { rangeBytes } from "./range-tombstones.ts";

type Rules = Pick<EngineOptions, "keyGroups" | "mergeOperators">;

/** Bytes that the batch fills in memory, when no key of it is there already: what StateEngine.admit() is to be told. */
export function batchBytes(batch: readonly StateWrite[]): number {
  let bytes = 0;
  for (const write of batch) {
    if (write.kind === "deleteRange") bytes += rangeBytes(write.start, write.end);
    else bytes += write.key.length + RECORD_BYTES;
    if (write.kind === "put") bytes += write.value.length;
    if (write.kind === "merge") bytes += write.operand.length;
  }
  return bytes;
}

/** Throws before the first write is made, or makes all of them. */
export function writeBatch(active: Memtable, batch: readonly StateWrite[], rules: Rules): void {
  for (const [index, write] of batch.entries()) check(write, index, rules);
  if (batch.some(({ kind }) => kind === "merge")) tryOut(active, batch, rules);
  for (const write of batch) apply(active, write, rules);
}

function check(write: StateWrite, index: number, rules: Rules): void {
  switch (write.kind) {
    case "put":
      checkKey(write.key, index, rules);
      checkBytes(write.value, "value", index);
      return checkExpiry(write.expiresAt, index);
    case "delete":
      return checkKey(write.key, index, rules);
    case "merge":
      checkKey(write.key, index, rules);
      checkBytes(write.operand, "operand", index);
      operatorOf(rules.mergeOperators, stateIdOf(write.key));
      return checkExpiry(write.expiresAt, index);
    case "deleteRange":
      checkBytes(write.start, "start", index);
      return checkBytes(write.end, "end", index);
    default:
      throw refused(
        index,
        `is of no known kind (${JSON.stringify((write as { kind: unknown }).kind)}): ` +
          "write put, delete, merge or deleteRange",
      );
  }
}

function checkKey(key: Uint8Array, index: number, { keyGroups }: Rules): void {
  checkBytes(key, "key", index);
  if (key.length < STATE_KEY_HEADER_BYTES) {
    throw refused(index, `has a key of ${key.length} bytes: make a state key with stateKey()`);
  }
  if (key.length >= KEY_LENGTH_LIMIT) {
    throw refused(index, `has a key of ${key.length} bytes: keys are below ${KEY_LENGTH_LIMIT}`);
  }
  const keyGroup = keyGroupOf(key);
  const { first, last } = keyGroups;
  if (keyGroup < first || keyGroup > last) {
    throw refused(
      index,
      `belongs to key group ${keyGroup}, and this engine owns ${first} to ${last}: give it to the owner`,
    );
  }
}

function checkBytes(bytes: unknown, name: string, index: number): void {
  if (bytes instanceof Uint8Array) return;
  throw refused(index, `has a ${name} that is no Uint8Array: encode it first`);
}

function checkExpiry(expiresAt: number | undefined, index: number): void {
  if (expiresAt === undefined || expiresAt === Infinity) return;
  if (expiresAt <= Number.MAX_SAFE_INTEGER) return;
  throw refused(
    index,
    `expires at ${expiresAt}: give milliseconds up to 2^53 - 1, or nothing for never`,
  );
}

function refused(index: number, what: string): StateEngineError {
  return new StateEngineError(
    "invalid",
    `Write ${index} of the batch ${what}. Nothing of the batch was written.`,
  );
}

/**
 * Operators are the caller's code and may refuse an operand, also for the value it meets. So they meet here what
 * they will meet in the active memtable, in a memtable that is thrown away.
 */
function tryOut(active: Memtable, batch: readonly StateWrite[], rules: Rules): void {
  const trial = new Memtable(0, rules.mergeOperators);
  trial.time = active.time;
  try {
    for (const { start, end } of active.tombstones.ranges) trial.deleteRange(start, end);
    for (const write of batch) if (write.kind === "merge") copyEntry(active, trial, write.key);
    for (const write of batch) apply(trial, write, rules);
  } finally {
    trial.free();
  }
}

/** The key's entry as an operand would find it; one that a deleted range covers is not there. */
function copyEntry(from: Memtable, to: Memtable, key: Uint8Array): void {
  const hash = stateKeyHash(key, 0, key.length);
  const entry = from.find(key, 0, key.length, hash);
  if (entry < 0 || from.isCovered(entry) || to.find(key, 0, key.length, hash) >= 0) return;
  const kind = from.kind(entry);
  if (kind === KIND_DELETE) return to.delete(key, 0, key.length, hash);
  const value = from.value(entry);
  const expiresAt = from.expiresAt(entry);
  if (kind === KIND_PUT) to.put(key, 0, key.length, hash, value, 0, value.length, expiresAt);
  else to.merge(key, 0, key.length, hash, value, expiresAt);
}

function apply(memtable: Memtable, write: StateWrite, { keyGroups }: Rules): void {
  if (write.kind === "deleteRange") {
    const range = ownedRange(keyGroups, write.start, write.end);
    if (range !== undefined) memtable.deleteRange(range.from, range.to);
    return;
  }
  const { key } = write;
  const { length } = key;
  const hash = stateKeyHash(key, 0, length);
  if (write.kind === "delete") return memtable.delete(key, 0, length, hash);
  const { expiresAt = Infinity } = write;
  if (write.kind === "merge") {
    return memtable.merge(key, 0, length, hash, write.operand, expiresAt);
  }
  return memtable.put(key, 0, length, hash, write.value, 0, write.value.length, expiresAt);
}
