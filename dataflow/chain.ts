/**
 * Compiles stateless operators into one function per record: closures, each calling the next. No
 * generators, no object per record.
 *
 * Promise: records leave in the order the operators define. A throw of a user function comes out as an
 * OperatorFailure that names the operator; what a function answers against its contract (a promise,
 * undefined) is refused the same way.
 */
import { isPromise } from "./checked-answer.ts";
import type { ChainContext, Consumer, Edge, LogPlace, Sink, Transform } from "./job-graph.ts";
import { OperatorFailure, operatorLabel } from "./operator-failure.ts";
import type { WatermarkProgress } from "./time/watermark-progress.ts";

/** Takes one record. */
export type Push = (record: unknown) => void;

/** Where compiled operators end, and what they know. One record at a time passes through. */
export interface ChainHost {
  edge(edge: Edge): Push;
  sink(sink: Sink): Push;
  /** The generator of assignTimestamps, at the position the log is read at. */
  progress?(generator: number): WatermarkProgress<unknown>;
}

/** The event time and place of the record on its way. Set before a push. */
export class ChainState {
  timestamp: number | undefined = undefined;
  place: LogPlace | undefined = undefined;
}

/** A function that runs `transforms` on a record and hands every resulting record to `output`. */
export function compileChain(transforms: readonly Transform[], output: Push): Push {
  let next = output;
  for (const transform of transforms.toReversed()) {
    next = compilePlain(transform, next);
  }
  return next;
}

/** A function that gives a record to all of `consumers`, in order. */
export function compileConsumers(
  consumers: readonly Consumer[],
  state: ChainState,
  host: ChainHost,
): Push {
  return new TreeCompiler(state, host).all(consumers);
}

class TreeCompiler {
  readonly #state: ChainState;
  readonly #host: ChainHost;
  readonly #compiled = new Map<Consumer, Push>();

  constructor(state: ChainState, host: ChainHost) {
    this.#state = state;
    this.#host = host;
  }

  all(consumers: readonly Consumer[]): Push {
    const pushes = consumers.map((consumer) => this.#one(consumer));
    const [only] = pushes;
    if (only !== undefined && pushes.length === 1) return only;
    return (record) => {
      for (const push of pushes) push(record);
    };
  }

  #one(consumer: Consumer): Push {
    const known = this.#compiled.get(consumer);
    if (known !== undefined) return known;
    const push = this.#compile(consumer);
    this.#compiled.set(consumer, push);
    return push;
  }

  #compile(consumer: Consumer): Push {
    if (consumer.kind === "edge") return this.#host.edge(consumer);
    if (consumer.kind === "sink") return this.#host.sink(consumer);
    const { transform, sides } = consumer;
    const next = this.all(consumer.next);
    if (transform.kind === "assignTimestamps") return this.#timestamps(transform.generator, next);
    if (transform.kind !== "process") return compilePlain(transform, next);
    const pushes = Object.entries(sides).map(
      ([tag, sideConsumers]) => [tag, this.all(sideConsumers)] as const,
    );
    return this.#process(transform.apply, next, new Map(pushes));
  }

  #process(
    apply: (record: unknown, context: ChainContext) => Iterable<unknown> | void,
    next: Push,
    sides: ReadonlyMap<string, Push>,
  ): Push {
    const state = this.#state;
    const context: ChainContext = {
      get timestamp() {
        return state.timestamp;
      },
      get place() {
        return state.place;
      },
      sideOutput(tag, value) {
        if (value === undefined || isPromise(value)) throw wrongSideOutput(tag.name, value);
        sides.get(tag.name)?.(value);
      },
    };
    const label = operatorLabel("process", apply);
    return (record) => {
      let records: Iterable<unknown> | void;
      try {
        records = apply(record, context);
      } catch (error) {
        throw OperatorFailure.of(label, error);
      }
      if (records !== undefined) pushAll("process", label, records, next);
    };
  }

  #timestamps(generator: number, next: Push): Push {
    const state = this.#state;
    const host = this.#host;
    return (record) => {
      const before = state.timestamp;
      try {
        state.timestamp = host.progress!(generator).onRecord(record);
      } catch (error) {
        throw OperatorFailure.of("assignTimestampsAndWatermarks", error);
      }
      next(record);
      state.timestamp = before;
    };
  }
}

function compilePlain(transform: Transform, next: Push): Push {
  switch (transform.kind) {
    case "map": {
      const { apply } = transform;
      const label = operatorLabel("map", apply);
      return (record) => {
        let result: unknown;
        try {
          result = apply(record);
          if (result === undefined || isPromise(result)) throw wrongResult("map", result);
        } catch (error) {
          throw OperatorFailure.of(label, error);
        }
        next(result);
      };
    }
    case "filter": {
      const { apply } = transform;
      const label = operatorLabel("filter", apply);
      return (record) => {
        let isKept: unknown;
        try {
          isKept = apply(record);
          if (isPromise(isKept)) throw wrongResult("filter", isKept);
        } catch (error) {
          throw OperatorFailure.of(label, error);
        }
        if (isKept) next(record);
      };
    }
    case "flatMap": {
      const { apply } = transform;
      const label = operatorLabel("flatMap", apply);
      return (record) => {
        let records: Iterable<unknown>;
        try {
          records = apply(record);
        } catch (error) {
          throw OperatorFailure.of(label, error);
        }
        pushAll("flatMap", label, records, next);
      };
    }
    case "process":
    case "assignTimestamps":
      throw new Error(`A ${transform.kind} needs a context: compile it with compileConsumers.`);
  }
}

function pushAll(kind: string, label: string, records: Iterable<unknown>, next: Push): void {
  if (Array.isArray(records)) {
    for (let index = 0; index < records.length; index++) {
      const record: unknown = records[index];
      if (record === undefined || isPromise(record)) {
        throw OperatorFailure.of(label, wrongResult(kind, record));
      }
      next(record);
    }
    return;
  }
  if (records === null || typeof records !== "object" || !(Symbol.iterator in records)) {
    throw OperatorFailure.of(label, wrongResult(kind, records));
  }
  let isPassingOn = false;
  try {
    for (const record of records) {
      if (record === undefined || isPromise(record)) throw wrongResult(kind, record);
      isPassingOn = true;
      next(record);
      isPassingOn = false;
    }
  } catch (error) {
    throw isPassingOn ? error : OperatorFailure.of(label, error);
  }
}

function wrongSideOutput(tag: string, value: unknown): TypeError {
  const given = value === undefined ? "undefined" : "a promise";
  return new TypeError(
    `The function of process gave ${given} to the side output "${tag}". Give it a value.`,
  );
}

function wrongResult(kind: string, result: unknown): TypeError {
  if (isPromise(result)) {
    return new TypeError(
      `The function of ${kind} answered a promise. A line must give the same records whenever it is ` +
        `run, at once: call the outside in asynchronous enrichment (mapAsync) after keyBy.`,
    );
  }
  const answered = kind === "flatMap" || kind === "process" ? "an array of records" : "a record";
  const shown = result === undefined ? "undefined" : `a ${typeof result}`;
  return new TypeError(
    `The function of ${kind} answered ${shown} where ${answered} is expected. Use filter or flatMap ` +
      `for records that give nothing.`,
  );
}
