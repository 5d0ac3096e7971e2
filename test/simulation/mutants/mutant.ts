/**
 * Deliberate breakages of the protocol, put in at the seams of the real logic: its storage, its bucket,
 * its calls, or one decision of a class. The simulator must catch every one; a mutant that survives is
 * a hole in the oracles.
 */
import type { ObjectContext, Sql, SqlValue } from "../../../durable-objects/object-context.ts";
import type { Logic } from "../simulated-object.ts";
import type { ObjectName } from "../world.ts";
import type { MutantWorld } from "./worlds.ts";

/** What is done to the objects of one kind. */
export interface Breakage {
  readonly kind: ObjectName["kind"];
  /** The object's context, changed. */
  readonly context?: (context: ObjectContext) => ObjectContext;
  /** Methods that take the place of the logic's own. */
  readonly methods?: (logic: Logic, context: ObjectContext) => Logic;
  /** Changes a class for the time of a run; answers how to change it back. */
  readonly patch?: () => () => void;
}

export interface Mutant extends Breakage {
  readonly name: string;
  /** The rule of docs/protocol.md it breaks. */
  readonly rule: number;
  /** Where it shows. */
  readonly world: MutantWorld;
}

/** Builds the logic of an object as the mutant has it. */
export function mutate(
  mutant: Breakage,
  name: ObjectName,
  context: ObjectContext,
  build: (context: ObjectContext) => object,
): object {
  if (mutant.kind !== name.kind) return build(context);
  const logic = build(mutant.context?.(context) ?? context) as Logic;
  const bound: Logic = new Proxy(logic, {
    get: (target, method) => {
      const own = target[method as string];
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
  const replaced = mutant.methods?.(bound, context) ?? {};
  return new Proxy(bound, {
    get: (target, method) => replaced[method as string] ?? target[method as string],
  });
}

/** `instead` answers rows to take the place of a statement, undefined to let it run. */
export function withSql(
  context: ObjectContext,
  instead: (query: string, bindings: readonly SqlValue[]) => object[] | undefined,
): ObjectContext {
  const { sql } = context;
  const changed: Sql = {
    exec: <Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) =>
      (instead(query, bindings) as Row[] | undefined) ?? sql.exec<Row>(query, ...bindings),
    transaction: (body) => sql.transaction(body),
  };
  return { ...spread(context), sql: changed };
}

/** A context as a plain object: its methods live on a class and would be lost by spreading it. */
export function spread(context: ObjectContext): ObjectContext {
  const { sql, alarm, environment, blobStore, peers, codeVersion } = context;
  return {
    sql,
    alarm,
    environment,
    blobStore,
    peers,
    codeVersion,
    setTimer: (delayMs, callback) => context.setTimer(delayMs, callback),
    keepAlive: (work) => context.keepAlive(work),
    reportError: (error, doing) => context.reportError(error, doing),
    crashPoint: (point) => context.crashPoint(point),
  };
}

/** Puts `change` of one property of a class in its place; answers how to put the property back. */
export function patched<Type extends object>(
  prototype: Type,
  property: keyof Type,
  change: (original: PropertyDescriptor) => PropertyDescriptor,
): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, property)!;
  Object.defineProperty(prototype, property, { ...original, ...change(original) });
  return () => void Object.defineProperty(prototype, property, original);
}
