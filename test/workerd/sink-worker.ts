/**
 * A Worker whose jobs deliver to everything there is: files, a queue that it consumes itself, a webhook, and
 * other jobs of its own, straight and over HTTP. Each line posted to "words" is a word.
 *
 * `GET /test/files?after=KEY` answers the next hundred objects of the bucket FILES by key. The queue KEPT keeps
 * its messages at LISTENER: Miniflare's own forgets what it holds when its process is killed.
 */
import { z } from "zod";
import { job } from "../../dataflow/job.ts";
import { queue } from "../../dataflow/sinks/queue.ts";
import { r2Files } from "../../dataflow/sinks/r2-files.ts";
import { webhook } from "../../dataflow/sinks/webhook.ts";
import { weirJob } from "../../dataflow/sinks/weir-job.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { weir } from "../../workers/weir.ts";

interface Bindings extends WeirBindings {
  readonly FILES: R2Bucket;
  /** Where the tests listen. */
  readonly LISTENER: string;
}

const options = { checkpoint: { intervalMs: 200 } };
const signing = { url: { secret: "LISTENER" }, signingSecret: "SIGNING" };

/** Everything a kill may not harm. */
function words() {
  const stream = job("words", options)
    .lines()
    .map((word) => ({ word, kind: word.length % 3 }));
  stream.sinkTo(webhook({ name: "hook", ...signing, maxRecords: 200 }));
  stream.sinkTo(r2Files({ name: "files", path: "words/{kind}/", bucket: "FILES", gzip: true }));
  stream.sinkTo(weirJob({ name: "straight", job: "straight-counts" }));
  return stream.sinkTo(
    weirJob({ name: "over-http", job: "http-counts", url: { secret: "LISTENER" }, token: "TOKEN" }),
  );
}

/** The newest count of each word, as messages. */
function messages() {
  return job("messages", options)
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .sinkTo(queue({ name: "newest", binding: "EVENTS" }));
}

function counts(name: string) {
  return job(name, options)
    .json(z.object({ word: z.string(), kind: z.number() }))
    .keyBy(({ word }) => word)
    .count("counts")
    .output();
}

/** Each word as a message of a queue that outlives the runtime. */
function kept() {
  return job("kept", options)
    .lines()
    .sinkTo(queue({ name: "each", binding: "KEPT" }));
}

const worker = weir([
  words(),
  messages(),
  kept(),
  counts("straight-counts"),
  counts("http-counts"),
]);
export const { Partition, Source } = worker;

export class Coordinator extends worker.Coordinator {
  constructor(state: DurableObjectState, bindings: Bindings) {
    const KEPT = { sendBatch: keepAt(bindings.LISTENER) };
    const bound = { ...bindings, KEPT };
    super(state, bound);
  }
}

/** As a queue's producer: resolves once the messages are durable. */
function keepAt(listener: string) {
  return async (messages: Iterable<MessageSendRequest>): Promise<void> => {
    const body = JSON.stringify(Array.from(messages, (message) => message.body));
    const answer = await fetch(`${listener}/kept`, { method: "POST", body });
    if (!answer.ok) throw new Error(`The queue answered ${answer.status}.`);
  };
}

// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default {
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext) {
    if (new URL(request.url).pathname !== "/test/files") {
      return await worker.handler.fetch(request, bindings, context);
    }
    const startAfter = new URL(request.url).searchParams.get("after") ?? "";
    const { objects } = await bindings.FILES.list({ limit: 100, startAfter });
    const entries = objects.map(async ({ key }): Promise<[string, string]> => {
      const object = await bindings.FILES.get(key);
      const bytes = object!.body;
      const isGzip = key.endsWith(".gz");
      const plain = isGzip ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
      return [key, await new Response(plain).text()];
    });
    return Response.json(Object.fromEntries(await Promise.all(entries)));
  },

  async queue(batch: MessageBatch, { LISTENER }: Bindings) {
    const body = JSON.stringify(batch.messages.map((message) => message.body));
    const answer = await fetch(`${LISTENER}/messages`, { method: "POST", body });
    if (!answer.ok) batch.retryAll();
  },
};
