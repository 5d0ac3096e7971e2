/**
 * The Nexmark queries that run here, by the names the published suite gives them. Left out: q6, which Flink SQL
 * cannot run either (FLINK-19059), and q10, which only writes its input to files.
 */

export const queryNames = [
  "q0",
  "q1",
  "q2",
  "q3",
  "q4",
  "q5",
  "q7",
  "q8",
  "q9",
  "q11",
  "q12",
  "q13",
  "q14",
  "q15",
  "q16",
  "q17",
  "q18",
  "q19",
  "q20",
  "q21",
  "q22",
  "q23",
] as const;

export type QueryName = (typeof queryNames)[number];
