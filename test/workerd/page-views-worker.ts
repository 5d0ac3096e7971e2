/** A Worker that runs the example of page views per minute, whose state is in windows. */
import { pageViews } from "../../workers/jobs/page-views.ts";
import { weir } from "../../workers/weir.ts";

const worker = weir([pageViews()]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default worker.handler;
