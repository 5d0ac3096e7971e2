/** The stores that need no server in a real browser, against the contract. */
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { CachingBlobStore } from "../../state-engine/blob-store/caching-blob-store.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { createIndexedDbBlobStore } from "./create-indexeddb-blob-store.ts";

const clock = { now: () => Date.now() };
let created = 0;

blobStoreContract("MemoryBlobStore in a browser", () => new MemoryBlobStore(clock));

blobStoreContract(
  "CachingBlobStore over IndexedDB",
  () =>
    new CachingBlobStore({
      origin: new MemoryBlobStore(clock),
      cache: createIndexedDbBlobStore(`caching-${created++}`),
      limitBytes: 64 * 1024 * 1024,
      reportError(error) {
        throw error;
      },
    }),
);
