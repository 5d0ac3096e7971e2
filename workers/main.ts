/** The Worker: its jobs are those of workers/jobs/index.ts. */
import { jobs } from "./jobs/index.ts";
import { weir } from "./weir.ts";

const worker = weir(jobs);

export const { Source, Partition, Coordinator } = worker;
export default worker.handler;
