/**
 * A Worker whose job "placed" keeps its checkpoints in another bucket than BUCKET, below a prefix, and whose
 * job "homeless" names a bucket that nobody bound.
 *
 * `GET /test/keys/{binding}` answers the keys of a bucket; `PUT /test/stray/{path}` leaves an object in
 * CHECKPOINTS; `POST /test/scan` scans for orphans of every age; `POST /test/append` sends "homeless" a line
 * past the routes.
 */
import { job } from "../../dataflow/job.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { createPeers } from "../../durable-objects/platform/peers.ts";
import { weir } from "../../workers/weir.ts";

interface Bindings extends WeirBindings {
  readonly CHECKPOINTS: R2Bucket;
}

export function counts(name: string, bucket: string) {
  return job(name, {
    parallelism: 2,
    checkpoint: { intervalMs: 0, retained: 2, bucket, storagePrefix: "team/weir/" },
  })
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .output();
}

const worker = weir([counts("placed", "CHECKPOINTS"), counts("homeless", "NOWHERE")]);

export const { Source, Partition, Coordinator } = worker;
// oxlint-disable-next-line import/no-default-export -- The platform asks for it.
export default {
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/test/keys/")) {
      const bucket = Reflect.get(bindings, pathname.slice("/test/keys/".length)) as R2Bucket;
      const { objects } = await bucket.list();
      return Response.json(objects.map(({ key }) => key));
    }
    if (pathname.startsWith("/test/stray/")) {
      await bindings.CHECKPOINTS.put(pathname.slice("/test/stray/".length), "left behind");
      return new Response("stored");
    }
    if (pathname === "/test/scan") {
      const scan = { minimumAgeMs: 0 };
      return Response.json(await createPeers(bindings, "placed").coordinator().scanOrphans(scan));
    }
    if (pathname === "/test/append") {
      const segment = { lines: new TextEncoder().encode("word\n"), count: 1 };
      await createPeers(bindings, "homeless")
        .source(0)
        .append(segment as never);
    }
    return await worker.handler.fetch(request, bindings, context);
  },
};
