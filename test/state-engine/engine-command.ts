/**
 * What may be done to an engine and to the map beside it: fast-check's arbitrary of one step.
 */
import * as fc from "fast-check";
import { stateKey } from "../../state-engine/index.ts";
import { COUNT_STATE, LIST_STATE, PLAIN_STATE } from "./engine-fixture.ts";

interface KeyParts {
  readonly group: number;
  readonly bytes: readonly number[];
}

/** Over all key groups, so that clips meet them. */
const scattered = fc.record({
  group: fc.integer({ min: 0, max: 7 }),
  bytes: fc.array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 3 }),
});
/** In one key group of each half, and with long prefixes in common. */
const crowded = fc.record({
  group: fc.constantFrom(0, 4),
  bytes: fc.array(fc.constantFrom(0, 0x61, 0x61, 0xff), { maxLength: 6 }),
});

const EIGHT_ALIKE: readonly number[] = Array.from({ length: 8 }, () => 0x61);
const FAR_ALIKE: readonly number[] = Array.from({ length: 70 }, () => 0xff);
/** Whose first bytes decide nothing: alike for eight bytes, or for more than a sort looks at together. */
const long = fc.record({
  group: fc.constantFrom(0, 4),
  bytes: fc
    .tuple(
      fc.constantFrom(EIGHT_ALIKE, EIGHT_ALIKE, [...EIGHT_ALIKE, ...FAR_ALIKE]),
      fc.array(fc.constantFrom(0, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 5 }),
    )
    .map(([head, tail]) => [...head, ...tail]),
});

const lifetime = fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 40 }));
const delta = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, -(2 ** 31)),
);

const lifecycle = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("advanceTime" as const),
      by: fc.integer({ min: 0, max: 15 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("snapshot" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("readSnapshot" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("maintain" as const),
      times: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("freeze" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("persist" as const),
      mode: fc.constantFrom("incremental" as const, "incremental" as const, "full" as const),
      inlineLimitBytes: fc.constantFrom(0, 300, 20480),
      confirm: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("discard" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restore" as const), split: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stall" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("interrupt" as const),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

interface Keys {
  readonly plainKey: fc.Arbitrary<Uint8Array>;
  readonly countKey: fc.Arbitrary<Uint8Array>;
  readonly listKey: fc.Arbitrary<Uint8Array>;
  readonly anyKey: fc.Arbitrary<Uint8Array>;
}

function writeOf({ plainKey, countKey, listKey, anyKey }: Keys) {
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("put" as const),
        key: plainKey,
        value: fc.uint8Array({ maxLength: 20 }),
        lifetime,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        key: listKey,
        element: fc.integer({ min: 0, max: 255 }),
        lifetime,
        /** Replaces the list instead. */
        isPut: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("add" as const),
        key: countKey,
        delta,
        isFast: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("setCount" as const), key: countKey, delta }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: anyKey }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("deleteRange" as const), from: anyKey, to: anyKey }),
    },
  );
}

function readOf({ anyKey }: Keys) {
  return fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("scanPrefix" as const),
        key: anyKey,
        length: fc.integer({ min: 1, max: 6 }),
        reverse: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("get" as const), key: anyKey }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("fetch" as const),
        keys: fc.array(anyKey, { maxLength: 6 }),
        ranges: fc.array(fc.record({ start: anyKey, end: anyKey }), { maxLength: 2 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("scan" as const),
        from: anyKey,
        to: anyKey,
        reverse: fc.boolean(),
        limit: fc.integer({ min: 1, max: 5 }),
      }),
    },
  );
}

/** One step with such keys. */
function commandWith(parts: fc.Arbitrary<KeyParts>) {
  const keyOf = (state: number): fc.Arbitrary<Uint8Array> =>
    parts.map(({ group, bytes }) => stateKey(group, state, Uint8Array.from(bytes)));
  const plainKey = keyOf(PLAIN_STATE);
  const countKey = keyOf(COUNT_STATE);
  const listKey = keyOf(LIST_STATE);
  const keys = { plainKey, countKey, listKey, anyKey: fc.oneof(plainKey, countKey, listKey) };
  const write = writeOf(keys);
  const batch = fc.record({
    kind: fc.constant("batch" as const),
    writes: fc.array(write, { maxLength: 7 }),
  });
  return fc.oneof(
    { weight: 22, arbitrary: write },
    { weight: 2, arbitrary: batch },
    { weight: 7, arbitrary: readOf(keys) },
    { weight: 15, arbitrary: lifecycle },
  );
}

export const command = commandWith(scattered);
export const longKeyCommand = commandWith(long);
export const crowdedCommand = commandWith(crowded);
export type WriteCommand =
  ReturnType<typeof writeOf> extends fc.Arbitrary<infer Value> ? Value : never;
export type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;
