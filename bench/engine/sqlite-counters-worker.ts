/** The object both sides of sqlite-counters.ts run in. `GET /sqlite` and `GET /weir` answer an Answer. */
import { workerEnvironment } from "../../durable-objects/platform/worker-environment.ts";
import { decodeInt64Number, hash32, int64Addition } from "../../state-engine/index.ts";
import { MemoryBlobStore, StateEngine } from "../../state-engine/index.ts";
import { COUNT_STATE, KEY_BYTES, KEY_GROUPS, Workload, zipfIndexes } from "./workload.ts";

const INCREMENTS = 1_000_000;
const COUNTERS = 100_000;
const BATCH = 1000;

// The little of the platform that is used here: bench/ is checked with the types of Node.
interface SqliteStorage {
  readonly sql: { exec(query: string, ...bindings: unknown[]): { toArray(): unknown[] } };
  transactionSync(work: () => void): void;
  sync(): Promise<void>;
}

interface Bindings {
  readonly COUNTERS: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

export class Counters {
  readonly #storage: SqliteStorage;

  constructor(context: { readonly storage: SqliteStorage }) {
    this.#storage = context.storage;
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const scale = Number(searchParams.get("scale"));
    const workload = new Workload(COUNTERS * scale, COUNT_STATE, false);
    const order = zipfIndexes(INCREMENTS * scale, workload.entries);
    const begin = Date.now();
    const count =
      pathname === "/weir"
        ? await countInWeir(workload, order)
        : this.#countInSqlite(workload, order);
    await this.#storage.sync();
    return Response.json({ milliseconds: Date.now() - begin, count });
  }

  #countInSqlite(workload: Workload, order: Uint32Array): number {
    const { sql } = this.#storage;
    sql.exec("DROP TABLE IF EXISTS counters");
    sql.exec("CREATE TABLE counters (key BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID");
    for (let from = 0; from < order.length; from += BATCH) {
      this.#storage.transactionSync(() => {
        for (const index of order.subarray(from, from + BATCH)) {
          sql.exec(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            workload.key(index),
          );
        }
      });
    }
    const answer = sql.exec("SELECT count FROM counters WHERE key = ?", workload.key(0));
    const row = answer.toArray()[0] as { readonly count: number } | undefined;
    return row?.count ?? 0;
  }
}

/** Ends with everything in tables and written, where SQLite has it on disk. */
async function countInWeir({ keys }: Workload, order: Uint32Array): Promise<number> {
  const engine = StateEngine.open({
    environment: workerEnvironment,
    blobStore: new MemoryBlobStore(workerEnvironment),
    keyGroups: KEY_GROUPS,
    tables: [],
    sequence: 0,
    mergeOperators: new Map([[COUNT_STATE, int64Addition]]),
    uploads: { nextPath: () => `tables/${workerEnvironment.newId()}`, note: () => undefined },
  });
  for (let from = 0; from < order.length; from += BATCH) {
    for (const index of order.subarray(from, from + BATCH)) {
      const at = index * KEY_BYTES;
      engine.mergeInt64(keys, at, KEY_BYTES, hash32(keys, at + 4, KEY_BYTES - 4), 1);
    }
    await engine.maintain();
  }
  await engine.persist(engine.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
  const found = engine.lookup(keys, 0, KEY_BYTES);
  engine.close();
  return typeof found === "string" ? 0 : decodeInt64Number(found);
}

export default {
  fetch(request: Request, bindings: Bindings): Promise<Response> {
    return bindings.COUNTERS.getByName("counters").fetch(request);
  },
};
