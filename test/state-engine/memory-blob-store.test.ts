import { MemoryBlobStore } from "../../state-engine/index.ts";
import { blobStoreContract } from "../contract/blob-store.ts";

blobStoreContract("MemoryBlobStore", () =>
  Promise.resolve(new MemoryBlobStore({ now: () => 1_700_000_000_000 })),
);
