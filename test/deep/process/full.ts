/**
 * The proofs on the whole runtime in full: 50 MB on 1, 4 and 7 partitions, ten kills, 200,000 keys over
 * a long chain of manifests, a minute of silence. `npm test` runs each in a small form
 * (test/process/). About five minutes on two cores.
 */
import { run as proveExactCounts } from "./exact-counts.ts";
import { run as proveIdle } from "./idle.ts";
import { run as proveKills } from "./kills.ts";
import { run as proveManyKeys } from "./many-keys.ts";
import type { Report } from "./proof-job.ts";

export interface FullProofOptions {
  /** Decides the sizes of bodies and the moments of kills; printed with what was done. */
  readonly seed: number;
  readonly report: Report;
}

const BYTES = 50_000_000;

/** Throws, saying what is wrong, at the first proof that fails. */
export async function run({ seed, report }: FullProofOptions): Promise<void> {
  await proveExactCounts({ bytes: BYTES, parallelisms: [1, 4, 7], seed, report });
  await proveKills({ bytes: BYTES, kills: 10, parallelism: 4, seed, report });
  await proveManyKeys({ keys: 200_000, rounds: 40, seed, report });
  await proveIdle({ idleMs: 60_000, report });
}
