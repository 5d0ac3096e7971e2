/** Coordinators that break the protocol. */
import type { JobRecord } from "../../../durable-objects/coordinator/job-record.ts";
import type {
  AcknowledgeAnswer,
  Acknowledgement,
  AttachPartitionAnswer,
  PartitionState,
  TaskId,
} from "../../../durable-objects/messages.ts";
import type { ObjectContext } from "../../../durable-objects/object-context.ts";
import { type Mutant, spread, withSql } from "./mutant.ts";
import {
  BAD_BUCKET,
  BAD_NETWORK,
  CRASHES_AFTER_ACKNOWLEDGEMENTS,
  CRASHES_AND_UPLOADS,
  CRASHES_DURING_SLOW_UPLOADS,
  NO_FAULT_AT_ALL,
  ONE_RETAINED,
  FULL_CHECKPOINTS,
  LATE_ACKNOWLEDGEMENTS,
  OLDER_GENERATIONS,
} from "./worlds.ts";

export const COORDINATOR_MUTANTS: readonly Mutant[] = [
  {
    name: "uses a checkpoint's number again after an abort",
    rule: 4,
    world: BAD_NETWORK,
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("INSERT OR REPLACE INTO job")) return undefined;
        const record = JSON.parse(bindings[0] as string) as { pending?: object; completed: number };
        if (record.pending !== undefined) return undefined;
        const nextCheckpoint = record.completed + 1;
        return context.sql.exec(query, JSON.stringify({ ...record, nextCheckpoint }));
      }),
  },
  {
    name: "leaves the pending checkpoint standing when a partition that acknowledged it attaches",
    rule: 3,
    world: CRASHES_DURING_SLOW_UPLOADS,
    kind: "coordinator",
    methods: (logic, context) => ({
      // As if this task had never acknowledged; its acknowledgement comes back afterwards.
      async attachPartition(argument) {
        const { task } = argument as { task: TaskId };
        const where = "vertex = ? AND number = ?";
        const name = [task.vertex, task.index] as const;
        const rows = context.sql.exec<{ checkpoint: number; data: string }>(
          `SELECT checkpoint, data FROM acknowledgement WHERE ${where}`,
          ...name,
        );
        context.sql.exec(`DELETE FROM acknowledgement WHERE ${where}`, ...name);
        const answer = await logic["attachPartition"]!(argument);
        for (const { checkpoint, data } of rows) {
          context.sql.exec(
            "INSERT OR REPLACE INTO acknowledgement (vertex, number, checkpoint, data) VALUES (?, ?, ?, ?)",
            ...name,
            checkpoint,
            data,
          );
        }
        return answer;
      },
    }),
  },
  {
    name: "deletes objects before the pointer moves",
    rule: 10,
    world: ONE_RETAINED,
    kind: "coordinator",
    methods: (logic, context) => ({
      async acknowledge(argument) {
        const { task, state } = argument as Acknowledgement;
        const before = rowOf(context, "partition_state", task) as PartitionState | undefined;
        const answer = (await logic["acknowledge"]!(argument)) as AcknowledgeAnswer;
        if (answer.kind === "accepted" && state !== undefined && before !== undefined) {
          const listed = new Set(state.tables.map((table) => table.path));
          const dropped = before.tables
            .filter((table) => table.inline === undefined && !listed.has(table.path))
            .map((table) => table.path);
          if (dropped.length > 0) await context.blobStore.delete(dropped).catch(() => undefined);
        }
        return answer;
      },
    }),
  },
  {
    name: "sweeps what only an older retained checkpoint uses",
    rule: 34,
    world: FULL_CHECKPOINTS,
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("SELECT path, created_by, last_used, ")) return undefined;
        const rows = context.sql.exec(query, ...bindings);
        return rows.map((row) => ({ ...row, created_by: 0, last_used: 0 }));
      }),
  },
  {
    name: "deletes a manifest with its checkpoint, though a chain needs it",
    rule: 9,
    world: NO_FAULT_AT_ALL,
    kind: "coordinator",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (query.startsWith("DELETE FROM retained WHERE id")) {
          context.sql.exec("UPDATE manifest SET dead = 1 WHERE id = ?", ...bindings);
        }
        return undefined;
      }),
  },
  {
    name: "takes a failed PUT of a manifest for a success",
    rule: 33,
    world: BAD_BUCKET,
    kind: "coordinator",
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
    name: "does not say which uploads it knows",
    rule: 3,
    world: CRASHES_AFTER_ACKNOWLEDGEMENTS,
    kind: "coordinator",
    methods: (logic) => ({
      async attachPartition(argument) {
        const answer = (await logic["attachPartition"]!(argument)) as AttachPartitionAnswer;
        return answer.kind === "wait" ? answer : { ...answer, knownUploads: [] };
      },
    }),
  },
  {
    name: "counts the acknowledgement of an attempt that is over",
    rule: 3,
    world: LATE_ACKNOWLEDGEMENTS,
    kind: "coordinator",
    methods: (logic, context) => ({
      acknowledge(argument) {
        const acknowledgement = argument as Acknowledgement;
        const { attempt } = rowOf(context, "task", acknowledgement.task) as { attempt: number };
        return logic["acknowledge"]!({ ...acknowledgement, attempt });
      },
    }),
  },
  {
    name: "counts the acknowledgement of an older generation for the pending checkpoint",
    rule: 37,
    world: OLDER_GENERATIONS,
    kind: "coordinator",
    methods: (logic, context) => ({
      acknowledge(argument) {
        const acknowledgement = argument as Acknowledgement;
        const { generation, pending } = recordOf(context);
        if (acknowledgement.generation === generation || pending === undefined) {
          return logic["acknowledge"]!(acknowledgement);
        }
        const { attempt } = rowOf(context, "task", acknowledgement.task) as { attempt: number };
        const { base, id: checkpoint } = pending;
        return logic["acknowledge"]!({ ...acknowledgement, generation, attempt, checkpoint, base });
      },
    }),
  },
  {
    name: "restores without the newest table",
    rule: 35,
    world: CRASHES_AND_UPLOADS,
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

function recordOf(context: ObjectContext): JobRecord {
  const [row] = context.sql.exec<{ record: string }>("SELECT record FROM job");
  return JSON.parse(row!.record) as JobRecord;
}

/** What the coordinator has written of a task; undefined when there is nothing. */
export function rowOf(
  context: ObjectContext,
  table: "task" | "partition_state",
  task: TaskId,
): unknown {
  const [row] = context.sql.exec<{ data: string }>(
    `SELECT data FROM ${table} WHERE vertex = ? AND number = ?`,
    task.vertex,
    task.index,
  );
  return row === undefined ? undefined : JSON.parse(row.data);
}
