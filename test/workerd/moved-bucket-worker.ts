/** The job "placed" of bucket-worker.ts as somebody deploys it who names another bucket for it. */
import { weir } from "../../workers/weir.ts";
import { counts } from "./bucket-worker.ts";

const worker = weir([counts("placed", "BUCKET")]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default worker.handler;
