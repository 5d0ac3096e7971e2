/**
 * A Worker whose jobs are fed by what is in its bucket and by a queue that it consumes itself.
 *
 * `PUT /test/objects/{key}` stores an object; `POST /test/messages` sends each line as a message. The first
 * delivery of each message loses its acknowledgement, and deliveries are repeated soon.
 * `GET /test/stored` answers the objects that jobs have stored, and `GET /test/deliveries` how often messages were delivered and how they ended.
 */
import { generator } from "../../dataflow/feeds/generator.ts";
import { queueMessages } from "../../dataflow/feeds/queue-messages.ts";
import { r2Objects } from "../../dataflow/feeds/r2-objects.ts";
import { job } from "../../dataflow/job.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { weir } from "../../workers/weir.ts";

interface Bindings extends WeirBindings {
  readonly BUCKET: R2Bucket;
  readonly FILES: R2Bucket;
  readonly EVENTS: Queue<string>;
}

const options = { checkpoint: { intervalMs: 300 }, parallelism: 2 };
/** The smallest log: the feed has to wait for checkpoints, so that a kill meets it while it reads. */
const archive = job("archive", { ...options, logLimitBytes: 4 * 1024 * 1024 })
  .from(r2Objects({ prefix: "archive/", bucket: "FILES" }))
  .lines()
  .keyBy((line) => line.slice(line.lastIndexOf(" ") + 1))
  .count("counts");
const messages = job("messages", options)
  .from(queueMessages({ queue: "events" }))
  .lines()
  .keyBy((line) => line)
  .count("counts");
const made = job("made", options)
  .from(generator({ create: (index) => `line ${index % 3}`, count: 30 }))
  .lines()
  .keyBy((line) => line)
  .count("counts");

const worker = weir([archive, messages, made]);
export const { Source, Partition, Coordinator } = worker;

const deliveries = { acknowledged: 0, lost: 0, later: 0 };

function unreliable(message: Message): Message {
  return {
    id: message.id,
    timestamp: message.timestamp,
    body: message.body,
    attempts: message.attempts,
    ack: () => {
      if (message.attempts === 1) {
        deliveries.lost++;
        message.retry();
      } else {
        deliveries.acknowledged++;
        message.ack();
      }
    },
    retry: () => {
      deliveries.later++;
      message.retry({ delaySeconds: 1 });
    },
  };
}

// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default {
  ...worker.handler,
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/test/objects/")) {
      const key = pathname.slice("/test/objects/".length);
      await bindings.FILES.put(key, await request.arrayBuffer());
      return new Response("stored");
    }
    if (pathname === "/test/messages") {
      const lines = (await request.text()).split("\n");
      await bindings.EVENTS.sendBatch(lines.map((body) => ({ body })));
      return new Response("sent");
    }
    if (pathname === "/test/stored") {
      const { objects } = await bindings.BUCKET.list();
      return Response.json(objects.map(({ key }) => key));
    }
    if (pathname === "/test/deliveries") return Response.json(deliveries);
    return await worker.handler.fetch(request, bindings, context);
  },
  async queue({ messages: delivered, queue }: MessageBatch, bindings: Bindings): Promise<void> {
    await worker.handler.queue({ queue, messages: delivered.map(unreliable) }, bindings);
  },
};
