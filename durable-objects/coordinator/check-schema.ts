/**
 * What becomes of stored state when the code changes: a job whose states differ from what is stored
 * goes on if every stored value still reads, and does not start otherwise. The schema that is stored
 * is kept with the job and recorded in its manifests.
 */
import { mergedSchema, schemaProblems } from "../../dataflow/schema/check-schema.ts";
import { jobSchemaOf } from "../../dataflow/schema/job-schema.ts";
import type { VertexSchema } from "../../state-engine/index.ts";
import type { Coordination } from "./coordination.ts";
import type { JobRecord } from "./job-record.ts";

/** Why the deployed job cannot go on with the state there is; undefined when it can, and it is taken over. */
export function adoptSchema(house: Coordination, record: JobRecord): string | undefined {
  const { schema } = record;
  const wanted = jobSchemaOf(house.job);
  const stored = schema?.vertices ?? [];
  const problem = lostVertex(house, stored, wanted) ?? schemaProblems(stored, wanted)[0];
  if (problem !== undefined) return problem;
  const merged = mergedSchema(stored, wanted);
  if (schema === undefined || JSON.stringify(merged) !== JSON.stringify(stored)) {
    record.schema = { vertices: merged, from: record.nextCheckpoint };
  }
  return undefined;
}

/** The job begins with the state of a checkpoint, or with none: what is stored from now on. */
export function beginSchema(
  house: Coordination,
  record: JobRecord,
  stored: readonly VertexSchema[],
): void {
  const vertices = mergedSchema(stored, jobSchemaOf(house.job));
  record.schema = { vertices, from: record.nextCheckpoint };
}

/** State of a vertex that the job does not have any more would be left behind without a word. */
function lostVertex(
  { rows }: Coordination,
  stored: readonly VertexSchema[],
  wanted: readonly VertexSchema[],
): string | undefined {
  const gone = new Set(stored.map(({ vertex }) => vertex));
  for (const { vertex } of wanted) gone.delete(vertex);
  const lost = rows
    .partitions()
    .find(({ data, task }) => gone.has(task.vertex) && data.tables.length > 0)?.task.vertex;
  return (
    lost &&
    `The job has state of "${lost}", which it does not declare any more. Keep that uid, or start the ` +
      `job with "allowNonRestoredState" to leave its state behind.`
  );
}
