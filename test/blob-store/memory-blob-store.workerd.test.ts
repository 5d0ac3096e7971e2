/** The reference implementation in workerd against the contract. */
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { blobStoreContract } from "../contract/blob-store.ts";

blobStoreContract(
  "MemoryBlobStore in workerd",
  () => new MemoryBlobStore({ now: () => Date.now() }),
);
