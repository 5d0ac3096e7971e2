/**
 * What a user declares of a keyed state: its name, how values become bytes, how long they live. Names
 * match state across deploys; kind, codec names and whether there is a TTL are recorded with it.
 *
 *     const seen = mapState("seen", "string", codecs.int64, { ttl: { ttlMs: 60_000 } });
 */
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";

/** When values stop to exist. An expired value is never returned. Lists and maps: per element and per entry. */
export interface StateTtl {
  /** Milliseconds, at least 1. */
  readonly ttlMs: number;
  /** "processing": the partition's time, which is the records' arrival time [15]. "event": the watermark. Default "processing". */
  readonly time?: "processing" | "event";
  /** What starts the time anew. Default "onCreateAndWrite". */
  readonly update?: "onCreateAndWrite" | "onReadAndWrite";
}

export interface StateOptions {
  readonly ttl?: StateTtl;
  /** The name the state was first declared with: a state that is renamed keeps what is stored. */
  readonly formerly?: string;
}

/** Folds records into an accumulator. Functions may change and answer the accumulator they were given. */
export interface AggregateFunction<In, Accumulator, Out> {
  createAccumulator(): Accumulator;
  add(accumulator: Accumulator, record: In): Accumulator;
  getResult(accumulator: Accumulator): Out;
  /** Joins two accumulators. Needed by sliding and session windows. */
  merge?(a: Accumulator, b: Accumulator): Accumulator;
}

interface Described<Kind extends string, Stored> extends StateOptions {
  readonly kind: Kind;
  readonly name: string;
  readonly codec: Codec<Stored>;
}

export type ValueStateDescriptor<T> = Described<"value", T>;
export type ListStateDescriptor<T> = Described<"list", T>;
export interface MapStateDescriptor<K extends string | number, V> extends Described<"map", V> {
  readonly keyType: KeyType;
  /** Types only. */
  readonly keys?: K;
}
export interface ReducingStateDescriptor<T> extends Described<"reducing", T> {
  readonly reduce: (a: T, b: T) => T;
}
export interface AggregatingStateDescriptor<In, Accumulator, Out> extends Described<
  "aggregating",
  Accumulator
> {
  readonly aggregate: AggregateFunction<In, Accumulator, Out>;
}

/** Any of them: what is recorded of a state, and what a new declaration is checked against. */
export interface StateDescriptor extends StateOptions {
  readonly kind: "value" | "list" | "map" | "reducing" | "aggregating";
  readonly name: string;
  readonly codec: Pick<Codec<unknown>, "name" | "schema">;
  readonly keyType?: KeyType;
}

export function valueState<T>(
  name: string,
  codec: Codec<T> = structuredCodec<T>(),
  options: StateOptions = {},
): ValueStateDescriptor<T> {
  return { kind: "value", name: checkName(name), codec, ...checkOptions(name, options) };
}

export function listState<T>(
  name: string,
  codec: Codec<T> = structuredCodec<T>(),
  options: StateOptions = {},
): ListStateDescriptor<T> {
  return { kind: "list", name: checkName(name), codec, ...checkOptions(name, options) };
}

/** Entries are kept in order of key: strings by code point, integers by value. */
export function mapState<V>(
  name: string,
  keyType: "string",
  codec?: Codec<V>,
  options?: StateOptions,
): MapStateDescriptor<string, V>;
export function mapState<V>(
  name: string,
  keyType: "integer",
  codec?: Codec<V>,
  options?: StateOptions,
): MapStateDescriptor<number, V>;
export function mapState<V>(
  name: string,
  keyType: KeyType,
  codec: Codec<V> = structuredCodec<V>(),
  options: StateOptions = {},
): MapStateDescriptor<string, V> | MapStateDescriptor<number, V> {
  return { kind: "map", name: checkName(name), keyType, codec, ...checkOptions(name, options) };
}

export function reducingState<T>(
  name: string,
  reduce: (a: T, b: T) => T,
  codec: Codec<T> = structuredCodec<T>(),
  options: StateOptions = {},
): ReducingStateDescriptor<T> {
  return { kind: "reducing", name: checkName(name), reduce, codec, ...checkOptions(name, options) };
}

export function aggregatingState<In, Accumulator, Out>(
  name: string,
  aggregate: AggregateFunction<In, Accumulator, Out>,
  codec: Codec<Accumulator> = structuredCodec<Accumulator>(),
  options: StateOptions = {},
): AggregatingStateDescriptor<In, Accumulator, Out> {
  const checked = checkOptions(name, options);
  return { kind: "aggregating", name: checkName(name), aggregate, codec, ...checked };
}

function checkName(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw new RangeError(
      `"${name}" cannot name a state: state is matched by this name across deploys. ` +
        `Write 1 to 64 of A-Z, a-z, 0-9, "_" and "-", beginning with a letter, such as "lastSeen".`,
    );
  }
  return name;
}

function checkOptions(name: string, options: StateOptions): StateOptions {
  const { formerly, ttl } = options;
  if (ttl !== undefined && !(Number.isSafeInteger(ttl.ttlMs) && ttl.ttlMs >= 1)) {
    throw new RangeError(
      `ttl.ttlMs of state "${name}" is ${ttl.ttlMs}. Write whole milliseconds, at least 1, ` +
        `or leave ttl out for values that live for ever.`,
    );
  }
  return {
    ...(ttl !== undefined && { ttl }),
    ...(formerly !== undefined && { formerly: checkName(formerly) }),
  };
}
