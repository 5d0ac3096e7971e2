/**
 * How a job is written: `job("wordcount").lines().flatMap(...).keyBy(...).count("counts")`. Names and
 * meaning follow Flink's DataStream API; types flow from the first operator to the last.
 *
 * Promise: a stream is immutable; each operator answers a new one. What is built is plain data (a
 * JobGraph) and nothing runs here.
 */
import { describeJobGraph } from "./describe.ts";
import type { JobDescription } from "./describe.ts";
import type { JobGraph, JobOptions, KeyedOperator, Transform } from "./job-graph.ts";
import type { KeyType } from "../state-engine/state/key-codec.ts";
import { resolveJobOptions } from "./options.ts";
import type { JobOptionsInput } from "./options.ts";

/**
 * Begins a job. `name` is 1 to 64 of `a-z0-9-`, beginning with a letter. Throws when the name or an
 * option is not allowed, saying what to write instead.
 */
export function job(name: string, options: JobOptionsInput = {}): JobBuilder {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw new RangeError(
      `"${name}" cannot be the name of a job: it stands in URLs. ` +
        `Write 1 to 64 of a-z, 0-9 and "-", beginning with a letter, such as "${suggestName(name)}".`,
    );
  }
  return new JobBuilder(name, resolveJobOptions(name, options));
}

/** The graph of a stream that ends a job. */
export function jobGraphOf(stream: BuiltStream): JobGraph {
  return stream.graph;
}

/** Anything that can be deployed as a job. */
export interface BuiltStream {
  readonly graph: JobGraph;
  /** The graph as plain JSON data, to be drawn or compared. */
  describe(): JobDescription;
}

export class JobBuilder {
  readonly #name: string;
  readonly #options: JobOptions;

  constructor(name: string, options: JobOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** The stream of lines posted to the job, in the order they were accepted. */
  lines(): Stream<string> {
    return new Stream<string>({ name: this.#name, options: this.#options }, []);
  }
}

type JobHead = Pick<JobGraph, "name" | "options">;

/** Records between the log and the first keyBy. Every function must be pure: a line may be run again. */
export class Stream<T> {
  readonly #head: JobHead;
  readonly #chain: readonly Transform[];

  constructor(head: JobHead, chain: readonly Transform[]) {
    this.#head = head;
    this.#chain = chain;
  }

  /** One record out for each record in. */
  map<R>(apply: (record: T) => R): Stream<R> {
    return this.#with<R>({ kind: "map", apply: apply as (record: unknown) => unknown });
  }

  /** Keeps the records for which `apply` is true. */
  filter<S extends T>(apply: (record: T) => record is S): Stream<S>;
  filter(apply: (record: T) => boolean): Stream<T>;
  filter(apply: (record: T) => boolean): Stream<T> {
    return this.#with<T>({ kind: "filter", apply: apply as (record: unknown) => boolean });
  }

  /** Any number of records out for each record in, in the order of the iterable. Arrays are fastest. */
  flatMap<R>(apply: (record: T) => Iterable<R>): Stream<R> {
    return this.#with<R>({
      kind: "flatMap",
      apply: apply as (record: unknown) => Iterable<unknown>,
    });
  }

  /**
   * Groups the records by a key. Keys are strings, or integers within ±2^53 with `"integer"` as the
   * second argument: types are gone when the job runs, and the two are stored differently.
   */
  keyBy(key: (record: T) => string): KeyedStream<T, string>;
  keyBy(key: (record: T) => number, keyType: "integer"): KeyedStream<T, number>;
  keyBy(key: (record: T) => unknown, keyType: KeyType = "string"): KeyedStream<T, never> {
    return new KeyedStream<T, never>(this.#head, this.#chain, {
      select: key as (record: unknown) => unknown,
      type: keyType,
    });
  }

  #with<R>(transform: Transform): Stream<R> {
    return new Stream<R>(this.#head, [...this.#chain, transform]);
  }
}

interface KeySelector {
  readonly select: (record: unknown) => unknown;
  readonly type: KeyType;
}

/** Records that meet the state of their key. */
export class KeyedStream<T, K> {
  readonly #head: JobHead;
  readonly #chain: readonly Transform[];
  readonly #key: KeySelector;
  /** Types only. */
  declare readonly types?: { readonly record: T; readonly key: K };

  constructor(head: JobHead, chain: readonly Transform[], key: KeySelector) {
    this.#head = head;
    this.#chain = chain;
    this.#key = key;
  }

  /** Counts the records of each key in the state `uid`: 1 to 64 of `A-Za-z0-9_-`, beginning with a letter. */
  count(uid: string): UpdatingStream<K, number> {
    return this.#end<number>(uid, { kind: "count", state: uid });
  }

  #end<V>(uid: string, operator: KeyedOperator): UpdatingStream<K, V> {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(uid)) {
      throw new RangeError(
        `"${uid}" cannot name the state of a ${operator.kind} in job "${this.#head.name}": ` +
          `state is matched by this name across deploys. ` +
          `Write 1 to 64 of A-Z, a-z, 0-9, "_" and "-", beginning with a letter, such as "counts".`,
      );
    }
    const vertex = { uid, key: this.#key.select, keyType: this.#key.type, operator };
    return new UpdatingStream<K, V>({
      ...this.#head,
      source: { chain: this.#chain },
      vertices: [vertex],
    });
  }
}

/** The newest value of each key. Only retracting or upserting operators may follow it [39]; none exists yet. */
export class UpdatingStream<K, V> implements BuiltStream {
  readonly graph: JobGraph;
  /** Types only. */
  declare readonly types?: { readonly key: K; readonly value: V };

  constructor(graph: JobGraph) {
    this.graph = graph;
  }

  describe(): JobDescription {
    return describeJobGraph(this.graph);
  }
}

function suggestName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const joined = words.join("-").replace(/^[^a-z]+/, "");
  return joined === "" ? "wordcount" : joined.slice(0, 64);
}
