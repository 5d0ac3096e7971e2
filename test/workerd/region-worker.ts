/** A Worker whose only job has two keyed vertices: a word count, and behind it how many words occur how often. */
import { job } from "../../dataflow/job.ts";
import { weir } from "../../workers/weir.ts";

const region = job("region", { parallelism: 3, sources: 2, checkpoint: { intervalMs: 0 } })
  .lines()
  .flatMap((line) => line.split(" "))
  .keyBy((word) => word)
  .count("counts")
  .keyBy((count) => count, "integer")
  .count("groups")
  .output();

const worker = weir([region]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default worker.handler;
