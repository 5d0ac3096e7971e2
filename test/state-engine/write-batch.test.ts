/** StateEngine.write(): what a batch is refused for, that nothing of it is left then, and what it is when it is taken. */
import { describe, expect, test } from "vitest";
import {
  MemoryBlobStore,
  StateEngineError,
  batchBytes,
  decodeInt64,
  encodeInt64,
  openReadOnly,
  stateKey,
} from "../../state-engine/index.ts";
import type { MergeOperator, StateEngine, StateWrite } from "../../state-engine/index.ts";
import {
  COUNT_STATE,
  PLAIN_STATE,
  TINY,
  mergeOperators,
  openEngine,
  testEnvironment,
} from "./engine-fixture.ts";

const ROOMY = { ...TINY, memtableEntries: 1_000 };
const plain = (group: number, name: number): Uint8Array =>
  stateKey(group, PLAIN_STATE, Uint8Array.of(name));
const counter = stateKey(1, COUNT_STATE, Uint8Array.of(1));
const put = (key: Uint8Array, ...value: number[]): StateWrite => ({
  kind: "put",
  key,
  value: Uint8Array.from(value),
});
const add = (delta: number): StateWrite => ({
  kind: "merge",
  key: counter,
  operand: encodeInt64(delta),
});

async function all(engine: StateEngine): Promise<string> {
  const { entries } = await engine.scan({});
  return entries.map(({ key, value }) => `${key.join(" ")}=${value.join(" ")}`).join("\n");
}

/** An engine in which each kind of entry stands already. */
function written(): StateEngine {
  const engine = openEngine({ tuning: ROOMY });
  engine.write([
    { kind: "deleteRange", start: plain(5, 0), end: plain(5, 9) },
    put(plain(0, 1), 1),
    put(plain(0, 2), 2),
    put(stateKey(3, COUNT_STATE, Uint8Array.of(1)), 1, 2, 3, 4, 5, 6, 7, 8, 9),
    add(5),
    { kind: "delete", key: plain(0, 3) },
  ]);
  return engine;
}

describe("a batch with one invalid write changes nothing, wherever it stands", () => {
  const bytes = Uint8Array.of(1);
  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ["a short key", { kind: "delete", key: Uint8Array.of(0, 1, 0) }, /key of 3 bytes/],
    [
      "a key of 256 MiB",
      { kind: "delete", key: new Uint8Array(2 ** 28) },
      /keys are below 268435456/,
    ],
    ["a foreign key group", put(plain(8, 1), 1), /key group 8, and this engine owns 0 to 7/],
    ["a key that is text", { kind: "delete", key: "text" }, /key that is no Uint8Array/],
    ["a value that is text", { kind: "put", key: plain(0, 1), value: "text" }, /value that is no/],
    ["no operand", { kind: "merge", key: counter }, /operand that is no Uint8Array/],
    ["no end", { kind: "deleteRange", start: bytes }, /end that is no Uint8Array/],
    ["no start", { kind: "deleteRange", end: bytes }, /start that is no Uint8Array/],
    ["no number as expiry", { ...put(plain(0, 1), 1), expiresAt: NaN }, /expires at NaN/],
    ["an expiry past 2^53", { ...add(1), expiresAt: 1e300 }, /expires at 1e\+300/],
    ["a kind of its own", { kind: "putt", key: counter }, /no known kind \("putt"\)/],
    ["no operator", { kind: "merge", key: plain(0, 1), operand: bytes }, /no merge operator/],
    [
      "an operand the operator refuses",
      { kind: "merge", key: counter, operand: new Uint8Array(9) },
      /1 to 8 bytes; found length=9/,
    ],
    [
      "an operand for a value the operator refuses",
      { kind: "merge", key: stateKey(3, COUNT_STATE, bytes), operand: bytes },
      /1 to 8 bytes; found length=9/,
    ],
  ];

  test.each(refused)("%s", async (_name, write, message) => {
    const engine = written();
    const before = [await all(engine), engine.sequence, engine.statistics().memtableBytes];
    const others: readonly StateWrite[] = [
      put(plain(0, 1), 9),
      { kind: "delete", key: plain(0, 2) },
      { kind: "deleteRange", start: plain(0, 0), end: plain(7, 0) },
      add(1),
    ];
    for (let at = 0; at <= others.length; at++) {
      // What refuses the value of a key does so only as long as no write before deletes it.
      if (at > 2 && String(message).includes("length=9")) break;
      const batch = others.toSpliced(at, 0, write as StateWrite);
      const attempt = (): void => engine.write(batch);
      expect(attempt).toThrow(StateEngineError);
      expect(attempt).toThrow(message);
    }
    expect([await all(engine), engine.sequence, engine.statistics().memtableBytes]).toEqual(before);
  });
});

test("an operator that throws only for the value that the batch itself puts is met before anything is written", async () => {
  const engine = written();
  const before = await all(engine);
  const attempt = (): void => engine.write([put(plain(0, 1), 9), put(counter), add(1)]);
  expect(attempt).toThrow(/found length=0/);
  expect(await all(engine)).toBe(before);
  expect(engine.sequence).toBe(6);
});

test("operators meet in the trial what they meet in the memtable: puts, operands, deletions and deleted ranges", () => {
  const calls: string[] = [];
  const noting: MergeOperator = {
    name: "noting",
    combine: (older, newer) => (calls.push(`combine ${older.join()} ${newer.join()}`), newer),
    apply: (base, operand) => (calls.push(`apply ${base?.join()} ${operand.join()}`), operand),
  };
  const environment = testEnvironment();
  const engine = openEngine({
    environment,
    tuning: ROOMY,
    mergeOperators: new Map([[PLAIN_STATE, noting]]),
  });
  const merge = (name: number, operand: number, expiresAt?: number): StateWrite => ({
    kind: "merge",
    key: plain(0, name),
    operand: Uint8Array.of(operand),
    ...(expiresAt !== undefined && { expiresAt }),
  });
  engine.write([
    put(plain(0, 5), 50),
    { kind: "deleteRange", start: plain(0, 5), end: plain(0, 7) },
    { ...put(plain(0, 1), 10), expiresAt: 20 } as StateWrite,
    put(plain(0, 2), 20),
    merge(3, 30),
    { kind: "delete", key: plain(0, 4) },
  ]);
  engine.advanceTime(20);
  calls.length = 0;
  engine.write([1, 2, 3, 4, 5, 6, 7, 3].map((name) => merge(name, name)));
  const tried = calls.splice(0, calls.length / 2);
  expect(tried).toEqual([
    "apply undefined 1",
    "apply 20 2",
    "combine 30 3",
    "apply undefined 4",
    "apply undefined 5",
    "apply undefined 6",
    "combine 3 3",
  ]);
  expect(calls).toEqual(tried);
});

test("writes take consecutive sequence numbers in their order; a range that is empty or another's takes none", async () => {
  const engine = openEngine({ keyGroups: { first: 2, last: 3 } });
  engine.write([]);
  expect(engine.sequence).toBe(0);
  const key = plain(2, 1);
  const range = (start: Uint8Array, end: Uint8Array): StateWrite => ({
    kind: "deleteRange",
    start,
    end,
  });
  engine.write([put(key, 1), { kind: "delete", key }, put(key, 2), put(plain(3, 1), 3)]);
  expect(engine.sequence).toBe(4);
  engine.write([range(key, key), range(plain(4, 0), plain(7, 0)), range(plain(3, 0), plain(7, 0))]);
  expect(engine.sequence).toBe(5);
  expect(await all(engine)).toBe(`${key.join(" ")}=2`);
});

test("a batch larger than a memtable stays in one, and is in a checkpoint as a whole", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore });
  const names = Array.from({ length: 50 }, (_, name) => name);
  const earlier = engine.freeze();
  engine.write(names.map((name) => put(plain(name % 8, name), name)));
  const later = engine.freeze();
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  const without = await engine.persist(earlier, options);
  const withAll = await engine.persist(later, options);
  expect(engine.statistics().operations.flushes).toBe(1);
  const keyGroups = { first: 0, last: 7 };
  const counts: number[] = [];
  for (const { tables } of [without, withAll]) {
    const reader = openReadOnly({ environment, blobStore, tables, keyGroups, mergeOperators });
    counts.push((await reader.scan({})).entries.length);
    reader.close();
  }
  expect(counts).toEqual([0, 50]);
});

test("the arrays may be reused once write() is done", async () => {
  const engine = openEngine({ tuning: ROOMY });
  engine.write([put(plain(0, 1), 1), put(plain(0, 2), 2), put(plain(0, 4), 4)]);
  const [start, end, key, value] = [plain(0, 0), plain(0, 2), plain(0, 3), Uint8Array.of(3)];
  engine.write([
    { kind: "deleteRange", start, end },
    { kind: "put", key, value },
  ]);
  for (const bytes of [start, end, key, value]) bytes.fill(0xee);
  expect(await all(engine)).toBe("0 0 0 1 2=2\n0 0 0 1 3=3\n0 0 0 1 4=4");
});

test("what admit() is told is what the memtable fills, and doubling makes at most twice of it", () => {
  const key = (stateId: number, name: number): Uint8Array =>
    stateKey(1, stateId, Uint8Array.of(name >> 8, name));
  const value = new Uint8Array(100);
  const kinds: readonly ((name: number) => StateWrite)[] = [
    (name) => ({ kind: "put", key: key(PLAIN_STATE, name), value }),
    (name) => ({ kind: "delete", key: key(PLAIN_STATE, name) }),
    (name) => ({ kind: "merge", key: key(COUNT_STATE, name), operand: encodeInt64(name) }),
    (name) => ({ kind: "deleteRange", start: key(1, name * 2), end: key(1, name * 2 + 1) }),
  ];
  for (const make of kinds) {
    const engine = openEngine({ tuning: { ...ROOMY, memtableEntries: 1e6 } });
    const batch = Array.from({ length: 2_000 }, (_, name) => make(name));
    engine.write(batch);
    const filled = engine.statistics().memtableBytes;
    expect(filled).toBeGreaterThan(batchBytes(batch) * 0.9);
    expect(filled).toBeLessThan(batchBytes(batch) * 2 + 32 * 1024);
  }
});

test("a closed engine refuses a batch", () => {
  const engine = openEngine();
  engine.close();
  expect(() => engine.write([])).toThrow(/closed: open a new one/);
});

test("merges in a batch add up with those before it and with one another", async () => {
  const engine = openEngine({ tuning: ROOMY });
  engine.write([add(5)]);
  engine.write([add(1), add(-10), add(Number.MAX_SAFE_INTEGER)]);
  const value = await engine.get(counter);
  expect(decodeInt64(value!)).toBe(BigInt(Number.MAX_SAFE_INTEGER) - 4n);
});
