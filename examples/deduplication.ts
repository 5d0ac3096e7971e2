/** Each order once, however often it is sent within a day. */
import { job } from "weir";

interface Order {
  readonly id: string;
  readonly amount: number;
}

export const deduplication = job("deduplication")
  .lines()
  .map((line) => JSON.parse(line) as Order)
  .keyBy((order) => order.id)
  .deduplicate("seen", { ttl: { ttlMs: 24 * 3_600_000 } })
  .output();
