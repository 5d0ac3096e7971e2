/**
 * Results as POSTs of NDJSON, signed as the convention Standard Webhooks says: webhook-id,
 * webhook-timestamp, and webhook-signature over both and the body. At least once, one request after
 * the other in order of commit; a request sent again has the same webhook-id, which is also its
 * Idempotency-Key, and the same bytes.
 */
import { checkBinding, checkSinkName, checkUrl, checkWholeNumber } from "./check-options.ts";
import type { SinkUrl, WebhookDefinition } from "./sink-definition.ts";

export interface WebhookOptions {
  /** Names the sink among the outputs of the job, and in every webhook-id. */
  readonly name: string;
  /** Where to POST; `{ secret: "HOOK_URL" }` takes it from that secret of the Worker. */
  readonly url: SinkUrl;
  /**
   * Binding of the secret that signs: "whsec_" and base64, or any other text, whose bytes are the key.
   * Several, separated by spaces, give several signatures, for the time in which one replaces another.
   */
  readonly signingSecret: string;
  /** Records of one request, 1 to 100,000. Default 1,000. */
  readonly maxRecords?: number;
  /** Bytes of one request, 1,024 to 8 MiB. Default 256 KiB. A longer record goes alone. */
  readonly maxBytes?: number;
  /** How long an answer may take, 1,000 to 120,000. Default 30,000. */
  readonly timeoutMs?: number;
}

/** Throws RangeError for an option that is not allowed. */
export function webhook(options: WebhookOptions): WebhookDefinition {
  const { maxBytes = 256 * 1024, maxRecords = 1_000, name, timeoutMs = 30_000, url } = options;
  checkSinkName(name);
  const target = {
    url: checkUrl(name, url),
    signingSecret: checkBinding(name, "signingSecret", options.signingSecret),
    timeoutMs: checkWholeNumber(name, "timeoutMs", timeoutMs, { from: 1_000, to: 120_000 }),
  };
  const layout = {
    maxRecords: checkWholeNumber(name, "maxRecords", maxRecords, { from: 1, to: 100_000 }),
    maxBytes: checkWholeNumber(name, "maxBytes", maxBytes, { from: 1_024, to: 8 * 1024 * 1024 }),
  };
  return { kind: "webhook", name, target, layout };
}
