/**
 * Deliberate breakages of the protocol, put in at the seams of the real logic: its storage, its bucket,
 * its calls. The simulator must catch every one; a mutant that survives is a hole in the oracles.
 */
import type { AttachPartitionAnswer } from "../../durable-objects/messages.ts";
import type { ChannelAnswer, SourceFrame } from "../../durable-objects/messages.ts";
import type { ObjectContext, Sql, SqlValue } from "../../durable-objects/object-context.ts";
import type { Logic } from "./simulated-object.ts";
import type { ObjectName } from "./world.ts";

export interface Mutant {
  readonly name: string;
  /** The rule of docs/protocol.md it breaks. */
  readonly rule: number;
  readonly kind: ObjectName["kind"];
  /** The object's context, changed. */
  readonly context?: (context: ObjectContext) => ObjectContext;
  /** Methods that take the place of the logic's own. */
  readonly methods?: (logic: Logic, context: ObjectContext) => Logic;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "forgets the producer's sequence",
    rule: 11,
    kind: "source",
    context: (context) =>
      withSql(context, (query) => (/INTO producers/.test(query) ? [] : undefined)),
  },
  {
    name: "keeps a checkpoint's offset in memory only",
    rule: 2,
    kind: "source",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("INSERT OR REPLACE INTO standing")) return undefined;
        const standing = JSON.parse(bindings[0] as string) as object;
        return context.sql.exec(query, JSON.stringify({ ...standing, pending: null }));
      }),
  },
  {
    name: "applies a frame wherever it begins",
    rule: 1,
    kind: "partition",
    methods: (logic) => ({
      async frame(argument) {
        const answer = (await logic["frame"]!(argument)) as ChannelAnswer;
        if (answer.kind !== "reposition") return answer;
        const { attempt, position } = answer.channel;
        return logic["frame"]!({ ...(argument as SourceFrame), attempt, from: position });
      },
    }),
  },
  {
    name: "takes a failed upload for a success",
    rule: 10,
    kind: "partition",
    context: (context) => ({
      ...spread(context),
      blobStore: {
        ...context.blobStore,
        put: (path, bytes, options) =>
          context.blobStore.put(path, bytes, options).catch(() => "written" as const),
      },
    }),
  },
  {
    name: "does not note its uploads",
    rule: 10,
    kind: "partition",
    context: (context) =>
      withSql(context, (query) => (query.startsWith("INSERT INTO upload") ? [] : undefined)),
  },
  {
    name: "restores without the newest table",
    rule: 35,
    kind: "coordinator",
    methods: (logic) => ({
      async attachPartition(argument) {
        const answer = (await logic["attachPartition"]!(argument)) as AttachPartitionAnswer;
        if (answer.kind === "wait") return answer;
        const tables = answer.restored.tables.slice(0, -1);
        return { ...answer, restored: { ...answer.restored, tables } };
      },
    }),
  },
];

/** Builds the logic of an object as the mutant has it. */
export function mutate(
  mutant: Mutant,
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
function withSql(
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
function spread(context: ObjectContext): ObjectContext {
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
