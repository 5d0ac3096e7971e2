/**
 * A Worker with one job over and over: once its lines are posted, otherwise they are read from the bucket
 * FILES, each job under a prefix of its own name. `PUT /test/objects/{key}` stores an object.
 */
import { r2Objects } from "../../dataflow/feeds/r2-objects.ts";
import { job } from "../../dataflow/job.ts";
import type { BuiltStream } from "../../dataflow/job.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { weir } from "../../workers/weir.ts";
import { layouts } from "./layouts.ts";

interface Bindings extends WeirBindings {
  readonly FILES: R2Bucket;
}

const options = { checkpoint: { intervalMs: 2_000 }, parallelism: 4 };

function firstWords(builder: ReturnType<typeof job>): BuiltStream {
  return builder
    .lines()
    .keyBy((line) => line.slice(0, line.indexOf(" ")))
    .count("counts");
}

const fed = layouts.map(({ name }) =>
  firstWords(job(name, options).from(r2Objects({ prefix: `${name}/`, bucket: "FILES" }))),
);
const worker = weir([firstWords(job("posted", options)), ...fed]);
export const { Source, Partition, Coordinator } = worker;

// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default {
  ...worker.handler,
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test/objects/")) {
      return await worker.handler.fetch(request, bindings, context);
    }
    await bindings.FILES.put(pathname.slice("/test/objects/".length), await request.arrayBuffer());
    return new Response("stored");
  },
};
