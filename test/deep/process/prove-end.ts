/**
 * What must hold when everything was posted: counts, groups and committed output equal what the load
 * counted, in live state and in a checkpoint, and the bucket holds what is referenced and nothing else.
 */
import { compareCounts, showDifferences } from "../../../cli/output/compare-counts.ts";
import type { WeirClient } from "../../../cli/weir-client.ts";
import { RuntimeStorage } from "../../support/runtime-storage.ts";
import { assertSoundBucket, type BucketFacts } from "./bucket.ts";
import type { OutputFollower } from "./output-follower.ts";
import { assertCounts, assertThat, JOB, takeCheckpoint } from "./proof-job.ts";
import type { SteadyLoad } from "./steady-load.ts";

export interface End {
  readonly client: WeirClient;
  readonly directory: string;
  readonly follower: OutputFollower;
  readonly load: SteadyLoad;
}

export async function proveEnd({ client, directory, follower, load }: End): Promise<BucketFacts> {
  await load.finish(client);
  const { id } = await takeCheckpoint(client);
  for (const query of [{}, { checkpoint: String(id) }]) {
    await assertCounts(client, load.counts, query);
    await assertGroups(client, load.groups, query);
  }
  await follower.read(client);
  follower.assertEnded(load.counts, load.groups);
  return await assertSoundBucket(new RuntimeStorage(directory));
}

async function assertGroups(
  client: WeirClient,
  expected: ReadonlyMap<string, number>,
  query: Readonly<Record<string, string>>,
): Promise<void> {
  const found = new Map<string, number>();
  for await (const { key, value } of client.scan(JOB, "groups", query)) {
    found.set(String(key), value as number);
  }
  const differences = compareCounts(found, expected);
  assertThat(
    differences.length === 0,
    `${differences.length} groups are wrong: ${showDifferences(differences)}.`,
  );
}
