/** Rule 12c: a deploy that names another bucket leaves everything in the one where it is. */
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import type { ObjectContext, Peers } from "../../../durable-objects/object-context.ts";
import { spread, withSql, type Breakage } from "../mutants/mutant.ts";
import { C, P0, P1, S0, VERTEX, wordCount, wordsFor, x } from "./cast.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const OTHER = "another bucket/";

/** The second deploy names another bucket, the third the first one again. */
function bucketOf(codeVersion: string): string {
  return codeVersion === "version-2" ? "OTHER" : "BUCKET";
}

const moving = (codeVersion: string) =>
  wordCount({ checkpoint: { retained: 1, bucket: bucketOf(codeVersion) } });

/** Each object sees the bucket that its code names: what is in the other one begins with that one's name. */
const TWO_BUCKETS = (["coordinator", "partition"] as const).map((kind): Breakage => ({
  kind,
  context: (context) =>
    bucketOf(context.codeVersion) === "BUCKET"
      ? context
      : { ...spread(context), blobStore: below(OTHER, context.blobStore) },
}));

function below(prefix: string, store: BlobStore): BlobStore {
  return {
    get: (path) => store.get(prefix + path),
    getRange: (path, offset, length) => store.getRange(prefix + path, offset, length),
    put: (path, bytes, options) => store.put(prefix + path, bytes, options),
    async list(given) {
      const entries = await store.list(prefix + given);
      return entries.map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }));
    },
    delete: (paths) => store.delete(paths.map((path) => prefix + path)),
  };
}

/** The coordinator takes the bucket it was deployed with for the job's. */
const FOLLOWS_THE_DEPLOY: Breakage = {
  kind: "coordinator",
  context(context) {
    let hasFollowed = false;
    const bucket = bucketOf(context.codeVersion);
    return withSql(context, (query) => {
      if (hasFollowed || !query.startsWith("SELECT record FROM job")) return undefined;
      hasFollowed = true;
      context.sql.exec("UPDATE job SET record = json_set(record, '$.storage.bucket', ?)", bucket);
      return undefined;
    });
  },
};

/** A partition does not look at the bucket that attach names. */
const KEEPS_ITS_OWN: Breakage = {
  kind: "partition",
  context(context: ObjectContext): ObjectContext {
    const coordinator = (): ReturnType<Peers["coordinator"]> => {
      const peer = context.peers.coordinator();
      return new Proxy(peer, {
        get: (target, method) =>
          method === "attachPartition"
            ? async (request: Parameters<typeof peer.attachPartition>[0]) => {
                const answer = await peer.attachPartition(request);
                return { ...answer, bucket: bucketOf(context.codeVersion) };
              }
            : (Reflect.get(target, method) as unknown),
      });
    };
    return { ...spread(context), peers: { ...context.peers, coordinator } };
  },
};

async function deploy(stage: Stage, number: number): Promise<void> {
  for (const object of [C, S0, P0, P1]) stage.deployTo(object, number);
  await stage.ask(() => stage.coordinator.status());
}

/** The job of the second deploy is cancelled, and its checkpoints are to be deleted. */
schedule(
  "[rule 12c] what is to be deleted is deleted where it is, once the bucket is named again",
  {
    job: moving,
    conditions: TWO_BUCKETS,
    async play(stage) {
      await stage.post(S0, wordsFor(0, 40, 1_000).join(" "));
      await stage.settle();
      await stage.checkpoint();
      const before = stage.world.bucket.paths.length;
      await deploy(stage, 2);
      const how = { cancel: true, checkpoints: "delete", drain: false, savepoint: false } as const;
      await stage.ask(() => stage.coordinator.stop(how));
      await stage.pass(5_000);
      await deploy(stage, 3);
      await stage.pass(20 * 60_000);
      return { before, left: stage.world.bucket.paths.length };
    },
    kept: { before: 2, left: 0 },
    without: {
      "they are forgotten when they were deleted in the other one": {
        breakages: [FOLLOWS_THE_DEPLOY],
        broken: { before: 2, left: 2 },
      },
    },
  },
);

/** There is no checkpoint yet. The tasks have the second deploy, and C still runs the code of the first. */
schedule("[rule 12c] a partition uploads nothing to a bucket in which nobody will look for it", {
  job: moving,
  conditions: TWO_BUCKETS,
  async play(stage) {
    await stage.post(S0, `${x} ${wordsFor(0, 40, 1_000).join(" ")}`);
    await stage.settle();
    for (const object of [S0, P0, P1]) stage.deployTo(object, 2);
    await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 0 }));
    await stage.pass(20_000);
    const { completed } = stage.record;
    const elsewhere = stage.world.bucket.paths.filter((path) => path.startsWith(OTHER)).length;
    await deploy(stage, 3);
    await stage.pass(20_000);
    const { [x]: count } = stage.record.completed > 0 ? (await stage.stateAt())[VERTEX]! : {};
    return { completed, elsewhere, count };
  },
  kept: { completed: 0, elsewhere: 0, count: 1 },
  without: {
    "it does not ask where the job is": {
      breakages: [KEEPS_ITS_OWN],
      broken: failure("is gone"),
    },
  },
});
