/** An IndexedDbBlobStore as a page makes it. */
import * as idbKeyval from "idb-keyval";
import { IndexedDbBlobStore } from "../../state-engine/blob-store/indexeddb-blob-store.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";

export function createIndexedDbBlobStore(database: string): BlobStore {
  return new IndexedDbBlobStore({
    idbKeyval,
    store: idbKeyval.createStore(database, "blobs"),
    toBlob: (bytes) => new Blob([new Uint8Array(bytes)]),
    now: () => Date.now(),
  });
}
