/**
 * Delivers results as signed POSTs of NDJSON (dataflow/sinks/webhook.ts), after the convention Standard
 * Webhooks: the signature is an HMAC-SHA256 of "id.timestamp.body".
 *
 * Promise: requests go one after the other in order of commit; a request is sent until it is answered
 * with 2xx, whatever the other answers are, because nothing committed is dropped; sent again it has the
 * same id and the same bytes, with the time and the signature of the new attempt.
 */
import type { WebhookDefinition } from "../../dataflow/sinks/sink-definition.ts";
import type { ExternalSink, SinkCommit } from "../coordinator/commits.ts";
import { expectSuccess } from "./answers.ts";
import { encodeBase64, signingKeys } from "./base64.ts";
import { layoutOf, notedLayout, progressOf } from "./commit-progress.ts";
import { lineBatches, type LineBatch } from "./line-batches.ts";
import { addressOf, requiredSecret } from "./outside-world.ts";
import { recordsOf, type SinkSurroundings } from "./sink-surroundings.ts";

const kind = "webhook";

export class WebhookSink implements ExternalSink {
  readonly name: string;
  readonly layout;
  readonly #definition: WebhookDefinition;
  readonly #surroundings: SinkSurroundings;

  constructor(definition: WebhookDefinition, surroundings: SinkSurroundings) {
    this.name = definition.name;
    this.layout = notedLayout(definition);
    this.#definition = definition;
    this.#surroundings = surroundings;
  }

  async commit(commit: SinkCommit): Promise<void> {
    const done = progressOf(commit, kind);
    const cursor = recordsOf(commit, this.#surroundings, { sink: this.name, from: done?.place });
    const limits = layoutOf(commit, kind, this.#definition.layout);
    for await (const batch of lineBatches(cursor, limits, done?.records ?? 0)) {
      await this.#send(commit, batch);
      // After the last one the commit itself is recorded as done.
      if (batch.isLast) return;
      const { checkpoint } = commit;
      const progress = { checkpoint, records: batch.first + batch.records, place: batch.next };
      commit.keep({ kind, progress });
    }
  }

  async #send(commit: SinkCommit, { bytes, first, records }: LineBatch): Promise<void> {
    const { environment, world } = this.#surroundings;
    const { signingSecret, timeoutMs, url } = this.#definition.target;
    const id = `${commit.key}-${first}`;
    const timestamp = Math.floor(environment.now() / 1_000);
    const signed = withPrefix(`${id}.${timestamp}.`, bytes);
    const signatures = [];
    for (const key of signingKeys(requiredSecret(world, signingSecret))) {
      signatures.push(`v1,${encodeBase64(await world.hmacSha256(key, signed))}`);
    }
    commit.count({ subrequests: 1 });
    const answer = await world.send({
      url: addressOf(world, url),
      method: "POST",
      headers: {
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": id,
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signatures.join(" "),
      },
      body: bytes,
      timeoutMs,
    });
    const sent = `records ${first} to ${first + records - 1} of checkpoint ${commit.checkpoint}`;
    expectSuccess(answer, `The webhook answered ${sent}`, environment.now());
  }
}

function withPrefix(text: string, bytes: Uint8Array): Uint8Array {
  const prefix = new TextEncoder().encode(text);
  const joined = new Uint8Array(prefix.length + bytes.length);
  joined.set(prefix);
  joined.set(bytes, prefix.length);
  return joined;
}
