/**
 * What sinks use of the world: HTTP, queues, buckets, secrets, other jobs. Bindings are known by name.
 *
 * Promise of every implementation: a binding that the Worker has not throws MissingBinding; nothing is
 * retried here, because only the sink knows what a second attempt means.
 */
import type { SinkUrl } from "../../dataflow/sinks/sink-definition.ts";
import type { SourceCalls } from "../messages.ts";

export interface OutsideWorld {
  /** Rejects when there was no answer in time, or none at all: what became of the request is unknown. */
  send(request: OutsideRequest): Promise<OutsideAnswer>;
  queue(binding: string): OutsideQueue;
  bucket(binding: string): OutsideBucket;
  /** The value of a secret or text binding; undefined when it is not set. */
  secret(binding: string): string | undefined;
  hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array>;
  /** A job of the same Worker; undefined when it has none of this name. */
  job(name: string): OutsideJob | undefined;
}

export interface OutsideRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly timeoutMs: number;
}

export interface OutsideAnswer {
  readonly status: number;
  /** The Retry-After header as it came. */
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

export interface OutsideQueue {
  /** One batch, within the platform's limits. Each body becomes one message of JSON. */
  sendBatch(bodies: readonly unknown[]): Promise<void>;
}

export interface OutsideBucket {
  /**
   * Writes an object unless there is one under this key already; answers the size of the one that is
   * there then. Rejects when that one was written with another fingerprint, or by somebody else.
   */
  putIfAbsent(key: string, object: NewObject): Promise<{ readonly size: number }>;
  sizeOf(key: string): Promise<number | undefined>;
}

export interface NewObject {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Kept with the object: the same for the same contents. */
  readonly fingerprint: string;
}

export interface OutsideJob {
  readonly sources: number;
  source(index: number): Pick<SourceCalls, "append">;
}

export class MissingBinding extends Error {
  override readonly name = "MissingBinding";

  constructor(kind: string, binding: string) {
    super(
      `The Worker has no ${kind} bound as "${binding}": add it to wrangler.toml, or set it with \`wrangler secret put\`.`,
    );
  }
}

export function addressOf(world: OutsideWorld, url: SinkUrl): string {
  return typeof url === "string" ? url : requiredSecret(world, url.secret);
}

/** A secret that has to be there. */
export function requiredSecret(world: OutsideWorld, binding: string): string {
  const secret = world.secret(binding);
  if (secret !== undefined && secret !== "") return secret;
  throw new MissingBinding("secret", binding);
}
