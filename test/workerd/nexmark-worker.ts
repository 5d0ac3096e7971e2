/** A Worker with one Nexmark query as its job: the one the variable QUERY names, on WEIR_PARALLELISM partitions. */
import { env } from "cloudflare:workers";
import { queryJobs } from "../../bench/nexmark/queries/query-jobs.ts";
import type { QueryName } from "../../bench/nexmark/query-names.ts";
import { weir } from "../../workers/weir.ts";

const { QUERY, PARALLELISM } = env as unknown as {
  readonly QUERY: QueryName;
  readonly PARALLELISM: string;
};

const worker = weir([
  queryJobs[QUERY]({
    parallelism: Number(PARALLELISM),
    checkpoint: { intervalMs: 500 },
    output: { retainMs: 3_600_000 },
    restart: { initialBackoffMs: 50, maxBackoffMs: 500, attempts: 1_000_000 },
  }),
]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default worker.handler;
