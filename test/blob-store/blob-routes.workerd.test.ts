/** The route for blobs in front of a real bucket, read by HttpBlobStore under the contract. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { JobRegistry } from "../../durable-objects/platform/job-registry.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { HttpBlobStore } from "../../state-engine/blob-store/http-blob-store.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { addBlobRoutes } from "../../workers/http/blob-routes.ts";
import { createApp } from "../../workers/http/routing.ts";
import { wordCount } from "../../workers/jobs/word-count.ts";
import { patternBytes } from "../contract/blob-cases.ts";
import { blobReadContract } from "../contract/blob-store.ts";
import { emptyBucket } from "./empty-bucket.ts";

const bindings = env as unknown as WeirBindings & { readonly BUCKET: R2Bucket };
const { name, options } = wordCount.graph;
const prefix = `${options.checkpoint.storagePrefix}${name}/`;

const app = createApp();
addBlobRoutes(app, new JobRegistry([wordCount.graph]));

blobReadContract(
  "HttpBlobStore on the route for blobs",
  async () => {
    await emptyBucket(bindings.BUCKET);
    const reader = new HttpBlobStore({
      baseUrl: `http://weir.test/jobs/${name}/blobs/${prefix}`,
      fetch: async (url, request) => await app.request(url, request, bindings),
    });
    return { reader, writer: below(prefix, new R2BlobStore(bindings.BUCKET)) };
  },
  1_024 - prefix.length,
);

describe("GET /jobs/{job}/blobs/{path}", () => {
  test.for([
    ["bytes=2-4", 206, "bytes 2-4/10", [2, 5]],
    ["bytes=8-", 206, "bytes 8-9/10", [8, 10]],
    ["bytes=-3", 206, "bytes 7-9/10", [7, 10]],
    ["bytes=-30", 206, "bytes 0-9/10", [0, 10]],
    ["bytes=4-2", 200, null, [0, 10]],
    ["bytes=0-1,4-5", 200, null, [0, 10]],
    ["lines=0-1", 200, null, [0, 10]],
  ] as const)("answers Range: %s with %i", async ([range, status, contentRange, [start, end]]) => {
    await bindings.BUCKET.put(`${prefix}blob`, patternBytes(10));
    const response = await fetchBlob(`${prefix}blob`, { headers: { Range: range } });
    expect(response.status).toBe(status);
    expect(response.headers.get("Content-Range")).toBe(contentRange);
    expect(response.headers.get("Content-Length")).toBe(String(end - start));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(
      patternBytes(10).slice(start, end),
    );
  });

  test.for(["bytes=10-", "bytes=10-20", "bytes=-0"])(
    "answers Range: %s of 10 bytes with 416 and the size",
    async (range) => {
      await bindings.BUCKET.put(`${prefix}blob`, patternBytes(10));
      const response = await fetchBlob(`${prefix}blob`, { headers: { Range: range } });
      expect(response.status).toBe(416);
      expect(await response.json()).toMatchObject({ size: 10 });
    },
  );

  test("does not show what else is in the bucket", async () => {
    await bindings.BUCKET.put("other/secret", patternBytes(10));
    for (const path of [
      "other/secret",
      `${prefix}../other/secret`,
      `${prefix}%2e%2e/other/secret`,
    ]) {
      expect((await fetchBlob(path)).status).toBe(404);
    }
  });

  test("answers HEAD with the size alone", async () => {
    await bindings.BUCKET.put(`${prefix}blob`, patternBytes(10));
    const response = await fetchBlob(`${prefix}blob`, { method: "HEAD" });
    expect(response.headers.get("Content-Length")).toBe("10");
    expect(await response.text()).toBe("");
  });

  test("stands in the document", async () => {
    const document = app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "Weir", version: "1" },
    });
    expect(document.paths?.["/jobs/{job}/blobs/{path}"]?.get?.responses).toHaveProperty("206");
  });
});

async function fetchBlob(path: string, request?: RequestInit): Promise<Response> {
  return await app.request(`http://weir.test/jobs/${name}/blobs/${path}`, request, bindings);
}

function below(folder: string, store: BlobStore): BlobStore {
  return {
    get: (path) => store.get(folder + path),
    getRange: (path, offset, length) => store.getRange(folder + path, offset, length),
    put: (path, bytes, putOptions) => store.put(folder + path, bytes, putOptions),
    list: (listed) => store.list(folder + listed),
    delete: (paths) => store.delete(paths.map((path) => folder + path)),
  };
}
