/** The bucket of a real binding against the contract. */
import { env } from "cloudflare:workers";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { emptyBucket } from "./empty-bucket.ts";

const { BUCKET } = env as unknown as WeirBindings & { readonly BUCKET: R2Bucket };

blobStoreContract("R2BlobStore", async () => {
  await emptyBucket(BUCKET);
  return new R2BlobStore(BUCKET);
});
