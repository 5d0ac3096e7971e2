/**
 * What each query asks, and how fast Flink answers it by its own published account.
 * Source of `flinkEventsPerSecondPerCore`: the result table of GUIDE_V1.md in github.com/nexmark/nexmark: Flink
 * with RocksDB and incremental checkpoints every 3 minutes, 8 task managers with one slot each, 100 million
 * events, measured cores. A figure to stand beside ours, not a race: machines and workloads differ.
 */
import type { QueryName } from "./query-names.ts";

export interface QueryFigures {
  readonly title: string;
  /** Absent where nothing was published. */
  readonly flinkEventsPerSecondPerCore?: number;
}

export const queryFigures: Readonly<Record<QueryName, QueryFigures>> = {
  q0: { title: "Pass bids through", flinkEventsPerSecondPerCore: 155_020 },
  q1: { title: "Convert prices to euros", flinkEventsPerSecondPerCore: 157_940 },
  q2: { title: "Select bids by auction id", flinkEventsPerSecondPerCore: 175_210 },
  q3: { title: "Sellers of a category in three states", flinkEventsPerSecondPerCore: 152_120 },
  q4: { title: "Average winning price per category", flinkEventsPerSecondPerCore: 34_330 },
  q5: { title: "Auctions with most bids, sliding", flinkEventsPerSecondPerCore: 22_140 },
  q7: { title: "Highest bid per 10 s", flinkEventsPerSecondPerCore: 12_330 },
  q8: { title: "New people who sell at once", flinkEventsPerSecondPerCore: 146_140 },
  q9: { title: "Winning bid per auction", flinkEventsPerSecondPerCore: 14_240 },
  q11: { title: "Bids per session of a bidder", flinkEventsPerSecondPerCore: 39_700 },
  q12: { title: "Bids per bidder, processing time", flinkEventsPerSecondPerCore: 75_670 },
  q13: { title: "Look bids up in a bounded table", flinkEventsPerSecondPerCore: 130_730 },
  q14: { title: "Calculate and count characters", flinkEventsPerSecondPerCore: 161_230 },
  q15: { title: "Distinct counts per day", flinkEventsPerSecondPerCore: 72_420 },
  q16: { title: "Distinct counts per channel and day", flinkEventsPerSecondPerCore: 18_650 },
  q17: { title: "Price statistics per auction and day", flinkEventsPerSecondPerCore: 116_800 },
  q18: { title: "Last bid per bidder and auction", flinkEventsPerSecondPerCore: 53_700 },
  q19: { title: "Ten highest bids per auction", flinkEventsPerSecondPerCore: 44_040 },
  q20: { title: "Bids with their auction, one category", flinkEventsPerSecondPerCore: 18_980 },
  q21: { title: "Channel id by pattern", flinkEventsPerSecondPerCore: 98_490 },
  q22: { title: "Directories of the URL", flinkEventsPerSecondPerCore: 129_960 },
  q23: { title: "Bids with the bidder and what they sell" },
};
