/**
 * The Worker of workers/main.ts over a bucket and storage that count what is asked of them, for tests
 * that promise how much is read or written. `GET /test/platform-operations` answers the counts since the start.
 *
 * Everything but the counting is the product's: jobs, objects, routes. Worker and objects run in one
 * isolate locally, so that one count covers them all.
 */
import { jobs } from "../../workers/jobs/index.ts";
import { weir } from "../../workers/weir.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import type { PlatformOperations } from "../support/platform-operations.ts";

const worker = weir(jobs);
const counts = {
  get: 0,
  head: 0,
  put: 0,
  list: 0,
  delete: 0,
  bytesRead: 0,
  bytesWritten: 0,
  rowsWritten: 0,
};

export class Source extends worker.Source {
  constructor(state: DurableObjectState, bindings: WeirBindings) {
    super(withCountedStorage(state), withCountedBucket(bindings));
  }
}

export class Partition extends worker.Partition {
  constructor(state: DurableObjectState, bindings: WeirBindings) {
    super(withCountedStorage(state), withCountedBucket(bindings));
  }
}

export class Coordinator extends worker.Coordinator {
  constructor(state: DurableObjectState, bindings: WeirBindings) {
    super(withCountedStorage(state), withCountedBucket(bindings));
  }
}

// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default {
  async fetch(request: Request, bindings: WeirBindings, context: ExecutionContext) {
    if (new URL(request.url).pathname === "/test/platform-operations") {
      return Response.json(counts satisfies PlatformOperations);
    }
    return await worker.handler.fetch(request, withCountedBucket(bindings), context);
  },
};

function withCountedStorage(state: DurableObjectState): DurableObjectState {
  const { storage } = state;
  const sql = {
    exec(query: string, ...values: SqlStorageValue[]) {
      const cursor = storage.sql.exec(query, ...values);
      return {
        toArray() {
          const rows = cursor.toArray();
          counts.rowsWritten += cursor.rowsWritten;
          return rows;
        },
      };
    },
  };
  const methods = {
    sql,
    transactionSync: (body: () => unknown) => storage.transactionSync(body),
    getAlarm: () => storage.getAlarm(),
    setAlarm(time: number) {
      counts.rowsWritten++;
      return storage.setAlarm(time);
    },
    deleteAlarm() {
      counts.rowsWritten++;
      return storage.deleteAlarm();
    },
  };
  return Object.defineProperty(state, "storage", { value: methods });
}

function withCountedBucket(bindings: WeirBindings): WeirBindings {
  const { BUCKET: bucket } = bindings;
  return bucket === undefined ? bindings : { ...bindings, BUCKET: counted(bucket) };
}

function counted(bucket: R2Bucket): R2Bucket {
  const methods = {
    async get(key: string, options?: R2GetOptions) {
      counts.get++;
      const object = await bucket.get(key, options);
      if (object === null) return null;
      return {
        size: object.size,
        arrayBuffer: async () => {
          const bytes = await object.arrayBuffer();
          counts.bytesRead += bytes.byteLength;
          return bytes;
        },
      };
    },
    head(key: string) {
      counts.head++;
      return bucket.head(key);
    },
    put(key: string, bytes: Uint8Array, options?: R2PutOptions) {
      counts.put++;
      counts.bytesWritten += bytes.byteLength;
      return bucket.put(key, bytes, options);
    },
    list(options?: R2ListOptions) {
      counts.list++;
      return bucket.list(options);
    },
    delete(keys: string | string[]) {
      counts.delete++;
      return bucket.delete(keys);
    },
  };
  return methods as never;
}
