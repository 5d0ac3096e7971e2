/**
 * The windowed operators: reduce, aggregate and process over time windows, and count windows.
 * Sliding windows with the default trigger share panes; all others hold each window by itself.
 */
import { checkAnswer } from "../checked-answer.ts";
import type { Codec } from "../codecs/codec.ts";
import type { Key, KeyedOperator } from "../operators/keyed-operator.ts";
import type { AggregateFunction } from "../state/state-descriptor.ts";
import { globalWindows } from "./assigners.ts";
import { PaneLogic } from "./pane-logic.ts";
import { countTrigger, purgingTrigger } from "./trigger.ts";
import { aggregatedContents, listedContents } from "./window-contents.ts";
import type { WindowContext, WindowDefinition, Windowing } from "./window-definition.ts";
import { WindowLogic, windowStates } from "./window-logic.ts";

export interface WindowCodec<Stored> {
  /** How accumulators (or records) are stored. codecs.structured() by default. */
  readonly codec?: Codec<Stored>;
}

/** One accumulator per window; emits its result. */
export function windowAggregateOperator<T, Accumulator, Result, K extends Key = Key>(
  uid: string,
  windowing: Windowing<T> & WindowCodec<Accumulator>,
  aggregate: AggregateFunction<T, Accumulator, Result>,
): KeyedOperator<[T], K, Result> {
  return windowAggregateProcessOperator(uid, windowing, aggregate, (result: Result) => [result]);
}

/** One accumulator per window, whose result meets key and window in a function. */
export function windowAggregateProcessOperator<T, Accumulator, Result, Out, K extends Key = Key>(
  uid: string,
  windowing: Windowing<T> & WindowCodec<Accumulator>,
  aggregate: AggregateFunction<T, Accumulator, Result>,
  process: (result: Result, context: WindowContext<K>) => Iterable<Out>,
): KeyedOperator<[T], K, Out> {
  const contents = aggregatedContents(uid, aggregate, windowing.codec);
  return windowOperator({ ...windowing, kind: "windowAggregate", uid, contents, process });
}

/** Folds the records of a window into one of their kind. */
export function windowReduceOperator<T, K extends Key = Key>(
  uid: string,
  windowing: Windowing<T> & WindowCodec<T | undefined>,
  reduce: (a: T, b: T) => T,
): KeyedOperator<[T], K, T> {
  const who = `The function of window reduce "${uid}"`;
  return windowAggregateOperator<T, T | undefined, T, K>(
    uid,
    windowing,
    foldFromFirst(
      (record: T) => record,
      (a, b) => checkAnswer(reduce(a, b), who),
    ),
  );
}

/** What is selected of each record, folded from the first: a window has one when its result is shown. */
export function foldFromFirst<T, V>(
  select: (record: T) => V,
  fold: (a: V, b: V) => V,
): AggregateFunction<T, V | undefined, V> {
  const join = (a: V | undefined, b: V | undefined): V | undefined => {
    if (a === undefined) return b;
    return b === undefined ? a : fold(a, b);
  };
  return {
    createAccumulator: () => undefined,
    add: (accumulator, record) => join(accumulator, select(record)),
    getResult: (accumulator) => accumulator as V,
    merge: join,
  };
}

/** Sees all records of a window at once, in the order they came. */
export function windowProcessOperator<T, Out, K extends Key = Key>(
  uid: string,
  windowing: Windowing<T> & WindowCodec<T>,
  process: (records: readonly T[], context: WindowContext<K>) => Iterable<Out>,
): KeyedOperator<[T], K, Out> {
  const contents = listedContents<T>(uid, windowing.codec);
  return windowOperator({ ...windowing, kind: "windowProcess", uid, contents, process });
}

export interface CountWindow<T> extends WindowCodec<T> {
  readonly size: number;
  /** Records from one result to the next; a result covers the last `size`. By default `size`: no overlap. */
  readonly slide?: number;
}

/** Windows of a number of records per key. Records of an unfinished window are never seen, as in Flink. */
export function countWindowProcessOperator<T, Out, K extends Key = Key>(
  uid: string,
  { size, slide, codec }: CountWindow<T>,
  process: (records: readonly T[], context: WindowContext<K>) => Iterable<Out>,
): KeyedOperator<[T], K, Out> {
  checkCount(uid, "size", size);
  checkCount(uid, "slide", slide ?? size);
  const trigger = slide === undefined ? purgingTrigger(countTrigger(size)) : countTrigger(slide);
  const contents = listedContents<T>(uid, codec, slide === undefined ? Infinity : size);
  const assigner = globalWindows();
  return windowOperator<T, K, readonly T[], Out>({
    assigner,
    trigger,
    kind: "countWindow",
    uid,
    contents,
    process,
  });
}

export function windowOperator<T, K extends Key, Result, Out>(
  definition: WindowDefinition<T, K, Result, Out>,
): KeyedOperator<[T], K, Out> {
  checkWindowing(definition);
  const { kind, uid, assigner, trigger, contents } = definition;
  const { trigger: triggerState, sessions } = windowStates(uid);
  if (assigner.kind === "sliding" && trigger === undefined) {
    return {
      kind,
      inputs: 1,
      output: "records",
      states: [contents.descriptor],
      windowStates: [contents.descriptor.name],
      create: (setup) => new PaneLogic(definition, assigner, setup),
    };
  }
  const states = [contents.descriptor, triggerState];
  return {
    kind,
    inputs: 1,
    output: "records",
    states: assigner.kind === "session" ? [...states, sessions] : states,
    windowStates: states.map(({ name }) => name),
    create: (setup) => new WindowLogic(definition, setup),
  };
}

function checkWindowing<T, K, Result, Out>({
  uid,
  assigner,
  trigger,
  allowedLatenessMs = 0,
}: WindowDefinition<T, K, Result, Out>): void {
  if (!Number.isSafeInteger(allowedLatenessMs) || allowedLatenessMs < 0) {
    throw new RangeError(
      `allowedLatenessMs of window "${uid}" is ${allowedLatenessMs}. Write whole milliseconds, at least 0.`,
    );
  }
  if (assigner.kind === "session" && trigger !== undefined && trigger.onMerge === undefined) {
    throw new TypeError(
      `Window "${uid}" has sessions, which merge, but its trigger "${trigger.name}" has no onMerge. ` +
        `Add it, or use another trigger.`,
    );
  }
}

function checkCount(uid: string, name: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(
      `${name} of count window "${uid}" is ${count}. Write a whole number, at least 1.`,
    );
  }
}
