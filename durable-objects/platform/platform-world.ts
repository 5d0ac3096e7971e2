/**
 * OutsideWorld over the platform: fetch, the Worker's bindings by name, and the other jobs of the Worker.
 */
import { MissingBinding } from "../sinks/outside-world.ts";
import type {
  OutsideAnswer,
  OutsideBucket,
  OutsideJob,
  OutsideQueue,
  OutsideRequest,
  OutsideWorld,
} from "../sinks/outside-world.ts";
import type { WeirBindings } from "./bindings.ts";
import type { JobRegistry } from "./job-registry.ts";
import { createPeers } from "./peers.ts";
import { R2OutsideBucket } from "./r2-outside-bucket.ts";

/** Characters of an answer's body that anybody will be shown. */
const longestText = 1_000;

export class PlatformWorld implements OutsideWorld {
  readonly #bindings: WeirBindings;
  readonly #jobs: JobRegistry;

  constructor(bindings: WeirBindings, jobs: JobRegistry) {
    this.#bindings = bindings;
    this.#jobs = jobs;
  }

  async send({ timeoutMs, ...request }: OutsideRequest): Promise<OutsideAnswer> {
    const { body, headers, method, url } = request;
    const response = await fetch(url, {
      method,
      headers,
      body,
      // What is signed for one address is not for another.
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const retryAfter = response.headers.get("Retry-After") ?? undefined;
    return { status: response.status, retryAfter, text: await beginningOf(response) };
  }

  queue(binding: string): OutsideQueue {
    const bound = this.#bound(binding) as Queue | undefined;
    if (typeof bound?.sendBatch !== "function") throw new MissingBinding("queue producer", binding);
    return {
      sendBatch: async (bodies) => {
        await bound.sendBatch(bodies.map((body) => ({ body, contentType: "json" })));
      },
    };
  }

  bucket(binding: string): OutsideBucket {
    const bound = this.#bound(binding) as R2Bucket | undefined;
    if (typeof bound?.put !== "function") throw new MissingBinding("R2 bucket", binding);
    return new R2OutsideBucket(bound);
  }

  secret(binding: string): string | undefined {
    const bound = this.#bound(binding);
    return typeof bound === "string" ? bound : undefined;
  }

  async hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
  }

  job(name: string): OutsideJob | undefined {
    const graph = this.#jobs.find(name, this.#bindings);
    if (graph === undefined) return undefined;
    const peers = createPeers(this.#bindings, name);
    return { sources: graph.options.sources, source: (index) => peers.source(index) };
  }

  #bound(binding: string): unknown {
    return (this.#bindings as unknown as Record<string, unknown>)[binding];
  }
}

/** Reads no more than is shown, and leaves no body behind that would hold a connection. */
async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  while (text.length < longestText) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, longestText);
}
