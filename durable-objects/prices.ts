/**
 * The list prices every estimate goes by, in one place. United States dollars, without tax, Workers
 * Paid plan, and without the amounts each plan includes: an estimate shows what the next unit costs.
 *
 * Sources, read in 2026-10: developers.cloudflare.com/durable-objects/platform/pricing,
 * developers.cloudflare.com/r2/pricing and developers.cloudflare.com/queues/platform/pricing.
 */
export const prices = {
  /** R2 standard storage, per GB and month. */
  r2StoragePerGbMonth: 0.015,
  /** R2 put and list, per million. */
  r2ClassAPerMillion: 4.5,
  /** R2 get and head, per million. */
  r2ClassBPerMillion: 0.36,
  /** Requests to Durable Objects, RPC sessions and alarms included, per million. */
  durableObjectRequestsPerMillion: 0.15,
  /** Time a Durable Object is in memory, per million GB-seconds; an object counts as 0.128 GB. */
  durableObjectDurationPerMillionGbSeconds: 12.5,
  /** SQLite rows written, index rows and alarms included, per million. */
  rowsWrittenPerMillion: 1,
  /** Queue operations, one per 64 KB that is written, read or deleted, per million. */
  queueOperationsPerMillion: 0.4,
} as const;

/** Dollars for operations that were counted. */
export function operationsCost(operations: {
  readonly classA: number;
  readonly classB: number;
  readonly rowsWritten: number;
  readonly requests: number;
  readonly queueOperations?: number;
}): number {
  return (
    (operations.classA * prices.r2ClassAPerMillion +
      operations.classB * prices.r2ClassBPerMillion +
      operations.rowsWritten * prices.rowsWrittenPerMillion +
      operations.requests * prices.durableObjectRequestsPerMillion +
      (operations.queueOperations ?? 0) * prices.queueOperationsPerMillion) /
    1_000_000
  );
}
