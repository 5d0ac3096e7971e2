/** The golden files of every format version in the runtime that reads them in production, with its own codecs. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { workerEnvironment } from "../../durable-objects/platform/worker-environment.ts";
import { decodeBase64 } from "../../state-engine/bytes/text.ts";
import { expectGoldenCheckpoint, goldenCheckpointsIn } from "../contract/golden-checkpoints.ts";
import { emptyBucket } from "./empty-bucket.ts";

/** GOLDEN_FILES, from vitest.config.ts: base64 by path below test/fixtures/. */
const { BUCKET, GOLDEN_FILES } = env as unknown as WeirBindings & {
  readonly BUCKET: R2Bucket;
  readonly GOLDEN_FILES: Readonly<Record<string, string>>;
};

describe.for(["format-v1", "format-v2"])("Golden files of %s in workerd", (folder) => {
  const files = Object.entries(GOLDEN_FILES)
    .filter(([path]) => path.startsWith(`${folder}/`))
    .map(([path, base64]) => ({
      path: path.slice(folder.length + 1),
      bytes: decodeBase64(base64),
    }));

  test("hold every checkpoint as it was written, in a bucket", async () => {
    await emptyBucket(BUCKET);
    const blobStore = new R2BlobStore(BUCKET);
    let contents = "";
    for (const { path, bytes } of files) {
      if (path === "contents.ndjson") contents = new TextDecoder().decode(bytes);
      else await blobStore.put(path, bytes);
    }
    const checkpoints = goldenCheckpointsIn(contents);
    expect(checkpoints).toHaveLength(5);
    for (const golden of checkpoints) {
      await expectGoldenCheckpoint(golden, blobStore, workerEnvironment);
    }
  });
});
