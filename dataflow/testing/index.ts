/** What tests of jobs import as "weir/testing": an operator alone, with its records, times, snapshots. */
export { openHarness, OperatorHarness } from "./operator-harness.ts";
export type { HarnessOptions, HarnessRecord, KeySelectors } from "./operator-harness.ts";
export { openJobOperator } from "./open-job-operator.ts";
