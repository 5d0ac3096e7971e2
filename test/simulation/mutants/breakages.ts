/** Ways to take rules out that several schedules use. */
import { StateEngine } from "../../../state-engine/index.ts";
import type { EngineOptions } from "../../../state-engine/options.ts";
import { type Breakage, patched, withSql } from "./mutant.ts";
import type { Logic } from "../simulated-object.ts";

/** A partition that attaches keeps the engine it had, whatever it is told to restore. */
export const KEEPS_ITS_MEMORY: Breakage = {
  kind: "partition",
  patch: () => {
    const kept = new Map<number, StateEngine>();
    const restoreOpen = patched(StateEngine, "open", ({ value }) => ({
      value(given: EngineOptions) {
        const { first } = given.keyGroups;
        const open = value as (given: EngineOptions) => StateEngine;
        kept.set(first, kept.get(first) ?? open.call(StateEngine, given));
        return kept.get(first);
      },
    }));
    const restoreClose = patched(StateEngine.prototype, "close", () => ({
      value: () => undefined,
    }));
    // Room that the earlier owner waited for never comes: what it had to write out went with it.
    const restoreAdmit = patched(StateEngine.prototype, "admit", () => ({
      value(this: StateEngine) {
        this.isWithinAdmitted = true;
      },
    }));
    return () => {
      restoreOpen();
      restoreClose();
      restoreAdmit();
    };
  },
};

/** State engines are opened with other options. */
export function opening(change: (given: EngineOptions) => EngineOptions): Breakage {
  return {
    kind: "partition",
    patch: () =>
      patched(StateEngine, "open", ({ value }) => ({
        value(given: EngineOptions) {
          return (value as typeof StateEngine.open).call(StateEngine, change(given));
        },
      })),
  };
}

/** Tables are merged as soon as there are enough of them, however little is written: no breakage, a condition. */
export const MERGES_EAGERLY = opening((given) => ({
  ...given,
  tuning: { ...given.tuning, quietCompactionRatio: 1 },
}));

/** Every lifetime of the coordinator begins with this statement: what it undoes was in memory only. */
export function coordinatorForgets(statement: string): Breakage {
  return {
    kind: "coordinator",
    context(context) {
      let hasForgotten = false;
      return withSql(context, (query) => {
        if (hasForgotten || !query.startsWith("SELECT record FROM job")) return undefined;
        hasForgotten = true;
        context.sql.exec(statement);
        return undefined;
      });
    },
  };
}

/** Changes what a method answers. */
export function answering(
  kind: Breakage["kind"],
  method: string,
  change: (answer: never, argument: never) => unknown,
): Breakage {
  return {
    kind,
    methods: (logic): Logic => ({
      async [method](argument) {
        return change((await logic[method]!(argument)) as never, argument as never);
      },
    }),
  };
}

/** Changes what a method is asked. */
export function asked(
  kind: Breakage["kind"],
  method: string,
  change: (argument: never) => unknown,
): Breakage {
  return {
    kind,
    methods: (logic): Logic => ({
      [method]: (argument) => logic[method]!(change(argument as never)),
    }),
  };
}

/** Statements that begin like this do nothing. */
export function skipping(kind: Breakage["kind"], statement: string): Breakage {
  return {
    kind,
    context: (context) =>
      withSql(context, (query) => (query.startsWith(statement) ? [] : undefined)),
  };
}

/** One method of a class does something else. `instead` gets the original, bound. */
export function replacing<Type extends object>(
  prototype: Type,
  method: keyof Type & string,
  instead: (
    original: (...given: never[]) => unknown,
    self: Type,
    given: readonly never[],
  ) => unknown,
): Breakage {
  return {
    kind: "coordinator",
    patch: () => {
      const original = Object.getOwnPropertyDescriptor(prototype, method)!;
      const call = original.value as (...given: never[]) => unknown;
      Object.defineProperty(prototype, method, {
        ...original,
        value(this: Type, ...given: never[]) {
          return instead((...again) => call.apply(this, again), this, given);
        },
      });
      return () => void Object.defineProperty(prototype, method, original);
    },
  };
}
