/**
 * Where a job begins again when somebody starts it [18, 38]. Pure.
 */
import type { StartAnswer, StartRequest } from "../coordinator-queries.ts";
import type { JobStatus, SourceState } from "../messages.ts";
import type { JobShape } from "./job-record.ts";

export interface StartFacts {
  readonly status: JobStatus;
  readonly shape: JobShape;
  readonly completed: number;
  readonly retained: readonly { readonly id: number; readonly sources: readonly SourceState[] }[];
  /** By source, where the job goes on from if it is never told anything else. */
  readonly standing: readonly SourceState[];
  /** First line each source still has, by source. */
  readonly firstKept: readonly number[];
}

export type StartPlan =
  | {
      readonly kind: "start";
      /** 0: with empty state. */
      readonly checkpoint: number;
      readonly sources: readonly SourceState[];
    }
  | Exclude<StartAnswer, { kind: "started" }>;

export function planStart(request: StartRequest, facts: StartFacts): StartPlan {
  const reason = refusal(request, facts);
  if (reason !== undefined) return { kind: "refused", reason };
  const { from } = request;
  const checkpoint =
    from === "latest" ? facts.completed : from === "empty" ? 0 : checkpointOf(from);
  const target = facts.retained.find(({ id }) => id === checkpoint);
  if (target === undefined && checkpoint !== 0) {
    const known = facts.retained.map(({ id }) => id).join(", ");
    return {
      kind: "refused",
      reason: `Checkpoint ${checkpoint} is not retained. Start from one of: ${known || "none is"}.`,
    };
  }
  const wanted = facts.firstKept.map((firstKept, source): SourceState => {
    if (from === "empty") return { source, offset: firstKept, watermark: null };
    // Without a checkpoint the latest state is the empty one it was last started with.
    const sources = from === "latest" && checkpoint === 0 ? facts.standing : target?.sources;
    const known = sources?.find((state) => state.source === source);
    return known ?? { source, offset: 0, watermark: null };
  });
  const gap = wanted
    .map(({ offset, source }) => ({ source, from: offset, firstKept: facts.firstKept[source]! }))
    .filter((one) => one.from < one.firstKept);
  if (gap.length > 0 && request.acceptLoss !== true) return { kind: "gap", sources: gap };
  const sources = wanted.map((state) => ({
    ...state,
    offset: Math.max(state.offset, facts.firstKept[state.source]!),
  }));
  return { kind: "start", checkpoint, sources };
}

function refusal({ from, parallelism }: StartRequest, facts: StartFacts): string | undefined {
  if (facts.status === "RUNNING" || facts.status === "RESTARTING") {
    return `The job is ${facts.status}: stop it before starting it from another point.`;
  }
  if (typeof from === "object" && "savepoint" in from) {
    return `Savepoints do not exist yet: start from "latest", "empty" or {"checkpoint": id}.`;
  }
  if (parallelism !== undefined && parallelism !== facts.shape.parallelism) {
    return (
      `The job has parallelism ${facts.shape.parallelism}, and changing it at a start does not exist yet: ` +
      `leave "parallelism" out.`
    );
  }
  return undefined;
}

function checkpointOf(from: { checkpoint: number } | { savepoint: string }): number {
  return "checkpoint" in from ? from.checkpoint : 0;
}
