/** A Worker whose job branches and joins again; test/process/plan.test.ts describes the same job itself. */
import { branchesAndJoins } from "./plan-job.ts";
import { weir } from "../../workers/weir.ts";

const worker = weir([branchesAndJoins]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default worker.handler;
