/**
 * What a window holds: an accumulator that takes records in one by one, or the records themselves.
 * Everything speaks of the namespace the context is in; panes are namespaces too.
 */
import { checkAnswer } from "../checked-answer.ts";
import type { Codec } from "../codecs/codec.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";
import type { OperatorContext, OperatorSetup } from "../operators/keyed-operator.ts";
import {
  listState,
  valueState,
  type AggregateFunction,
  type StateDescriptor,
} from "../state/state-descriptor.ts";

export interface WindowContents<T, Result> {
  add(record: T, context: OperatorContext): void;
  isEmpty(context: OperatorContext): boolean;
  /** The result over all these namespaces together, or undefined when they are empty. */
  read(namespaces: readonly Uint8Array[], context: OperatorContext): Result | undefined;
  /** Moves everything in `sources` into `target`. */
  merge(target: Uint8Array, sources: readonly Uint8Array[], context: OperatorContext): void;
  clear(context: OperatorContext): void;
}

export interface WindowContentsDefinition<T, Result> {
  readonly descriptor: StateDescriptor;
  open(setup: OperatorSetup): WindowContents<T, Result>;
}

/** An accumulator per window. */
export function aggregatedContents<T, Accumulator, Result>(
  uid: string,
  aggregate: AggregateFunction<T, Accumulator, Result>,
  codec: Codec<Accumulator> = structuredCodec<Accumulator>(),
): WindowContentsDefinition<T, Result> {
  const descriptor = valueState(uid, codec);
  const folding = `The aggregate of window "${uid}"`;
  const showing = `getResult of window "${uid}"`;
  return {
    descriptor,
    open(setup) {
      const state = setup.state(descriptor);
      const readAll = (
        namespaces: readonly Uint8Array[],
        context: OperatorContext,
      ): Accumulator | undefined => {
        let merged: Accumulator | undefined;
        for (const namespace of namespaces) {
          context.namespace = namespace;
          const accumulator = state.get();
          if (accumulator === undefined) continue;
          merged =
            merged === undefined
              ? accumulator
              : checkAnswer(mergeTwo(uid, aggregate, merged, accumulator), folding);
        }
        return merged;
      };
      return {
        add(record) {
          const stored = state.get();
          const before = stored === undefined ? aggregate.createAccumulator() : stored;
          state.update(checkAnswer(aggregate.add(before, record), folding));
        },
        isEmpty: () => state.get() === undefined,
        read(namespaces, context) {
          const accumulator = readAll(namespaces, context);
          if (accumulator === undefined) return undefined;
          return checkAnswer(aggregate.getResult(accumulator), showing);
        },
        merge(target, sources, context) {
          const merged = readAll([target, ...sources], context);
          clearAll(sources, state, context);
          context.namespace = target;
          if (merged !== undefined) state.update(merged);
        },
        clear: () => state.clear(),
      };
    },
  };
}

/** All records of a window, in the order they came. `keepLast`: only so many of the newest. */
export function listedContents<T>(
  uid: string,
  codec: Codec<T> = structuredCodec<T>(),
  keepLast = Infinity,
): WindowContentsDefinition<T, readonly T[]> {
  const descriptor = listState(uid, codec);
  return {
    descriptor,
    open(setup) {
      const state = setup.state(descriptor);
      const readAll = (namespaces: readonly Uint8Array[], context: OperatorContext): T[] =>
        namespaces.flatMap((namespace) => {
          context.namespace = namespace;
          return state.get();
        });
      return {
        add(record) {
          if (keepLast === Infinity) state.add(record);
          else state.update([...state.get(), record].slice(-keepLast));
        },
        isEmpty: () => state.get().length === 0,
        read(namespaces, context) {
          const records = readAll(namespaces, context);
          return records.length === 0 ? undefined : records;
        },
        merge(target, sources, context) {
          const moved = readAll(sources, context);
          clearAll(sources, state, context);
          context.namespace = target;
          state.addAll(moved);
        },
        clear: () => state.clear(),
      };
    },
  };
}

function clearAll(
  namespaces: readonly Uint8Array[],
  state: { clear(): void },
  context: OperatorContext,
): void {
  for (const namespace of namespaces) {
    context.namespace = namespace;
    state.clear();
  }
}

function mergeTwo<T, Accumulator, Result>(
  uid: string,
  aggregate: AggregateFunction<T, Accumulator, Result>,
  a: Accumulator,
  b: Accumulator,
): Accumulator {
  if (aggregate.merge === undefined) {
    throw new TypeError(
      `The aggregate of window "${uid}" has no merge function, which sliding and session windows ` +
        `need to join accumulators. Add merge(a, b).`,
    );
  }
  return aggregate.merge(a, b);
}
