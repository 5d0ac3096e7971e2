/** Files of sinks in a real bucket: create-if-absent, known again by their fingerprint. */
import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import type { WeirBindings } from "../../../durable-objects/platform/bindings.ts";
import { R2OutsideBucket } from "../../../durable-objects/platform/r2-outside-bucket.ts";
import { emptyBucket } from "../../blob-store/empty-bucket.ts";

const { BUCKET } = env as unknown as WeirBindings & { readonly BUCKET: R2Bucket };
const bucket = new R2OutsideBucket(BUCKET);
const key = "events/day=2026-11-23/a%2Fb/results-0-0.ndjson";

beforeEach(() => emptyBucket(BUCKET));

function object(text: string, fingerprint: string) {
  return {
    bytes: new TextEncoder().encode(text),
    contentType: "application/x-ndjson",
    fingerprint,
  };
}

it("[SK2] writes a file once, and answers the size of the one that is there", async () => {
  expect(await bucket.sizeOf(key)).toBeUndefined();
  expect(await bucket.putIfAbsent(key, object("1\n2\n", "a"))).toEqual({ size: 4 });
  // The same contents from another version of the compressor.
  expect(await bucket.putIfAbsent(key, object("1\n2", "a"))).toEqual({ size: 4 });
  expect(await bucket.sizeOf(key)).toBe(4);
  const stored = await BUCKET.get(key);
  expect(await stored!.text()).toBe("1\n2\n");
  expect(stored!.httpMetadata).toMatchObject({ contentType: "application/x-ndjson" });
});

it("[SK2] refuses to take another object for its file, and leaves it alone", async () => {
  await bucket.putIfAbsent(key, object("mine", "a"));
  await expect(bucket.putIfAbsent(key, object("other", "b"))).rejects.toThrow(`key=${key}`);
  await BUCKET.put("foreign", "somebody else's");
  await expect(bucket.putIfAbsent("foreign", object("other", "b"))).rejects.toThrow("foreign");
  expect(await (await BUCKET.get(key))!.text()).toBe("mine");
});
