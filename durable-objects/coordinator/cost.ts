/**
 * `GET /jobs/{job}/cost`: the bill of one month by meter, projected from what was counted since the
 * job began, at list prices and without what the plan includes.
 *
 * Durations of objects are not counted by anybody; they are estimated from requests (see below).
 */
import type { JsonObject } from "../coordinator-queries.ts";
import { prices } from "../prices.ts";
import type { Coordination } from "./coordination.ts";

const monthMs = 30 * 24 * 3_600_000;
/** Shorter observations are projected as if they had taken this long: the first minute is no month. */
const shortestObservationMs = 60_000;
/** An object stays in memory for about this long after a request: an upper bound when requests are rare. */
const secondsInMemoryPerRequest = 10;
const gigabytesPerObject = 0.128;

export interface CostFacts {
  readonly elapsedMs: number;
  readonly objects: number;
  readonly storedBytes: number;
  readonly operations: {
    readonly classA: number;
    readonly classB: number;
    readonly rowsWritten: number;
    readonly requests: number;
    readonly queueOperations?: number;
    readonly subrequests?: number;
  };
}

/** Pure: what was observed, projected to a month of 30 days. */
export function estimateCost(facts: CostFacts): JsonObject {
  const { objects, operations, storedBytes } = facts;
  const elapsedMs = Math.max(facts.elapsedMs, shortestObservationMs);
  const perMonth = (count: number): number => (count * monthMs) / elapsedMs;
  const secondsInMemory = Math.min(
    (objects * monthMs) / 1_000,
    perMonth(operations.requests) * secondsInMemoryPerRequest,
  );
  const meters = {
    r2_storage: meter(storedBytes / 1e9, "GB-month", prices.r2StoragePerGbMonth),
    r2_class_a: meter(perMonth(operations.classA), "operations", prices.r2ClassAPerMillion / 1e6),
    r2_class_b: meter(perMonth(operations.classB), "operations", prices.r2ClassBPerMillion / 1e6),
    durable_object_requests: meter(
      perMonth(operations.requests),
      "requests",
      prices.durableObjectRequestsPerMillion / 1e6,
    ),
    durable_object_duration: meter(
      secondsInMemory * gigabytesPerObject,
      "GB-seconds",
      prices.durableObjectDurationPerMillionGbSeconds / 1e6,
    ),
    rows_written: meter(
      perMonth(operations.rowsWritten),
      "rows",
      prices.rowsWrittenPerMillion / 1e6,
    ),
    ...sinkMeters(operations, perMonth),
  };
  const total = Object.values(meters).reduce((sum, { usd }) => sum + usd, 0);
  return {
    currency: "USD",
    period: "month of 30 days",
    observed_ms: facts.elapsedMs,
    observed_operations: { ...operations },
    meters,
    total_usd: total,
  };
}

/** Only of jobs whose sinks use them. */
function sinkMeters(
  { queueOperations = 0, subrequests = 0 }: CostFacts["operations"],
  perMonth: (count: number) => number,
) {
  const queuePrice = prices.queueOperationsPerMillion / 1e6;
  return {
    ...(queueOperations > 0 && {
      queue_operations: meter(perMonth(queueOperations), "operations", queuePrice),
    }),
    ...(subrequests > 0 && { subrequests: meter(perMonth(subrequests), "requests", 0) }),
  };
}

function meter(
  quantity: number,
  unit: string,
  unitPrice: number,
): {
  quantity: number;
  unit: string;
  usd: number;
} {
  return { quantity, unit, usd: quantity * unitPrice };
}

export function cost({ context, job, registry, store }: Coordination): JsonObject {
  const { createdAt, operations, shape } = store.record;
  return estimateCost({
    elapsedMs: context.environment.now() - createdAt,
    objects: 1 + shape.sources + job.vertices.length * shape.parallelism,
    storedBytes: registry.storedBytes(),
    operations,
  });
}
