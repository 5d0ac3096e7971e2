/** The handles with one value per key, over SingleValue. */
import { checkAnswer, checkStored } from "../checked-answer.ts";
import type { AggregatingState, InternalState, ReducingState, ValueState } from "./keyed-state.ts";
import { SingleValue, type SingleValueOptions } from "./single-value.ts";
import type { AggregateFunction } from "./state-descriptor.ts";

export class StoredValueState<T> implements ValueState<T>, InternalState {
  readonly #value: SingleValue<T>;
  readonly #who: string;

  constructor(options: SingleValueOptions<T>) {
    this.#value = new SingleValue(options);
    this.#who = `Value state "${options.name}"`;
  }

  get(): T | undefined {
    return this.#value.read();
  }

  update(value: T): void {
    this.#value.write(checkStored(value, this.#who, "call clear()"));
  }

  clear(): void {
    this.#value.clear();
  }

  removeExpired(): void {
    this.#value.removeExpired();
  }
}

export class StoredReducingState<T> implements ReducingState<T>, InternalState {
  readonly #value: SingleValue<T>;
  readonly #reduce: (a: T, b: T) => T;
  readonly #who: string;
  readonly #function: string;

  constructor(options: SingleValueOptions<T> & { readonly reduce: (a: T, b: T) => T }) {
    this.#value = new SingleValue(options);
    this.#reduce = options.reduce;
    this.#who = `Reducing state "${options.name}"`;
    this.#function = `The function of reducing state "${options.name}"`;
  }

  get(): T | undefined {
    return this.#value.read();
  }

  add(value: T): void {
    const added = checkStored(value, this.#who, "add nothing, or call clear()");
    const present = this.#value.read();
    const next =
      present === undefined ? added : checkAnswer(this.#reduce(present, added), this.#function);
    this.#value.write(next);
  }

  clear(): void {
    this.#value.clear();
  }

  removeExpired(): void {
    this.#value.removeExpired();
  }
}

export class StoredAggregatingState<In, Accumulator, Out>
  implements AggregatingState<In, Out>, InternalState
{
  readonly #value: SingleValue<Accumulator>;
  readonly #aggregate: AggregateFunction<In, Accumulator, Out>;
  readonly #who: string;

  constructor(
    options: SingleValueOptions<Accumulator> & {
      readonly aggregate: AggregateFunction<In, Accumulator, Out>;
    },
  ) {
    this.#value = new SingleValue(options);
    this.#aggregate = options.aggregate;
    this.#who = `add of aggregating state "${options.name}"`;
  }

  get(): Out | undefined {
    const accumulator = this.#value.read();
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  add(record: In): void {
    const present = this.#value.read();
    const before = present === undefined ? this.#aggregate.createAccumulator() : present;
    this.#value.write(checkAnswer(this.#aggregate.add(before, record), this.#who));
  }

  clear(): void {
    this.#value.clear();
  }

  removeExpired(): void {
    this.#value.removeExpired();
  }
}
