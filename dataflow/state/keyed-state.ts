/**
 * The handles user functions hold. Each speaks of the key of the record (or timer) at hand, and only
 * inside the function that was given it. Names and meaning are Flink's.
 *
 * Undefined says that there is nothing, so it is no value: giving it to any of them throws TypeError, as
 * giving a promise does. null is a value, and undefined inside a value is as the codec says.
 */

/** One value. */
export interface ValueState<T> {
  /** The value, or undefined when none was written or it has expired. */
  get(): T | undefined;
  /** Throws TypeError for undefined: clear() removes the value. */
  update(value: T): void;
  clear(): void;
}

/** Values in the order they were added. Adding reads nothing, however long the list. */
export interface ListState<T> {
  /** A fresh array; empty when there is nothing. */
  get(): T[];
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  /** Replaces all values. */
  update(values: Iterable<T>): void;
  clear(): void;
}

/** Entries by map key, each stored by itself: reading one does not read the others. */
export interface MapState<K extends string | number, V> {
  get(key: K): V | undefined;
  /** Throws TypeError for undefined: remove() takes the entry away. */
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  contains(key: K): boolean;
  isEmpty(): boolean;
  /** In order of key: strings by code point, integers by value. A fresh array: the map may change meanwhile. */
  entries(): [K, V][];
  /** Integer keys: the entries from `first` to `last`, both included. Reads nothing else. */
  entriesBetween(first: K, last: K): [K, V][];
  keys(): K[];
  values(): V[];
  clear(): void;
}

/** One value that takes in others. */
export interface ReducingState<T> {
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

/** One accumulator that takes in records and shows a result. */
export interface AggregatingState<In, Out> {
  get(): Out | undefined;
  add(record: In): void;
  clear(): void;
}

/** What the runner needs of every handle. */
export interface InternalState {
  /** Removes what has expired in event time, for the current key and namespace. */
  removeExpired(): void;
}
