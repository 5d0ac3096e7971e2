/**
 * State of 200,000 keys: a checkpoint uploads what changed and nothing else, and a restart reads next to
 * nothing before it answers. Counted at the bucket's binding and checked in the bucket itself.
 */
import { RuntimeStorage } from "../../support/runtime-storage.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { assertSoundBucket, quiet } from "./bucket.ts";
import { type CountingRuntime, withCountingRuntime } from "./counting-runtime.ts";
import {
  assertCounts,
  assertThat,
  type CheckpointDetail,
  inTemporaryDirectory,
  JOB,
  takeCheckpoint,
} from "./proof-job.ts";
import type { Report } from "./proof-job.ts";

export interface ManyKeysOptions {
  readonly keys: number;
  /** Checkpoints with 1 % of changes before the last: they make the chain. */
  readonly rounds: number;
  readonly seed: number;
  readonly report: Report;
}

const variables = { WEIR_CHECKPOINT_INTERVAL_MS: "0" };
const CHANGED_SHARE = 0.01;
const LARGEST_UPLOAD_SHARE = 0.05;
const LARGEST_READ_SHARE = 0.05;

export async function run(options: ManyKeysOptions): Promise<void> {
  await inTemporaryDirectory(async (directory) => {
    const storage = new RuntimeStorage(directory);
    const counts = new Map<string, number>();
    const { state_size: stateSize } = await withCountingRuntime(directory, variables, (runtime) =>
      proveCheckpoints(runtime, storage, counts, options),
    );
    await withCountingRuntime(directory, variables, (runtime) =>
      proveRestart(runtime, counts, stateSize, options.report),
    );
  });
}

async function proveCheckpoints(
  runtime: CountingRuntime,
  storage: RuntimeStorage,
  counts: Map<string, number>,
  { keys, rounds, seed, report }: ManyKeysOptions,
): Promise<CheckpointDetail> {
  const { client } = runtime;
  const random = new SeededRandom(seed);
  const words = Array.from({ length: keys }, (_, index) => `key${index}x${random.integer(1e6)}`);
  await postWords(runtime, words, counts);
  let detail = await takeCheckpoint(client);
  for (let round = 1; round <= rounds; round++) {
    const changed = Array.from({ length: keys * CHANGED_SHARE }, () => random.pick(words));
    await postWords(runtime, changed, counts);
    detail = await takeCheckpoint(client);
    const share = detail.checkpointed_size / detail.state_size;
    assertThat(
      share <= LARGEST_UPLOAD_SHARE,
      `Checkpoint ${detail.id} uploaded ${detail.checkpointed_size} of ${detail.state_size} bytes after 1 % of the keys changed.`,
    );
    if (round === rounds) {
      report(
        `${keys} keys: after changing 1 %, a checkpoint uploads ${detail.checkpointed_size} of ` +
          `${detail.state_size} bytes (${(100 * share).toFixed(2)} %).`,
      );
    }
  }
  await proveNoChange(runtime, storage, detail, report);
  const facts = await assertSoundBucket(storage);
  await assertCounts(client, counts);
  await assertCounts(client, counts, { checkpoint: String(detail.id) });
  report(
    `The bucket holds ${facts.objects} objects, all needed; ${facts.chainLength} manifests add no table twice.`,
  );
  return detail;
}

/** Nothing changed since `last`: the request is answered with it, and the bucket is left alone. */
async function proveNoChange(
  { client, operations }: CountingRuntime,
  storage: RuntimeStorage,
  last: CheckpointDetail,
  report: Report,
): Promise<void> {
  await quiet(storage);
  const bucket = async () => {
    // The request itself is a row of the coordinator for a moment.
    const { rowsWritten: _rowsWritten, ...requests } = await operations();
    return JSON.stringify({ requests, objects: storage.objects() });
  };
  const before = await bucket();
  const detail = await takeCheckpoint(client);
  await quiet(storage);
  const after = await bucket();
  assertThat(detail.id === last.id, `Checkpoint ${detail.id} was taken although nothing changed.`);
  assertThat(
    after === before,
    `A checkpoint after no change touched the bucket: ${before} became ${after}.`,
  );
  report("A checkpoint after no change makes no request to the bucket and adds no manifest.");
}

async function proveRestart(
  { client, operations }: CountingRuntime,
  counts: ReadonlyMap<string, number>,
  stateSize: number,
  report: Report,
): Promise<void> {
  const [key, value] = [...counts].at(-1)!;
  const answer = await client.json(`/jobs/${JOB}/state/counts/${key}`);
  const { bytesRead, get } = await operations();
  assertThat(
    answer["value"] === value,
    `The first read after a restart gave ${JSON.stringify(answer)}.`,
  );
  assertThat(
    bytesRead < LARGEST_READ_SHARE * stateSize,
    `The first state read after a restart read ${bytesRead} of ${stateSize} bytes.`,
  );
  report(
    `The first state read after a restart read ${bytesRead} of ${stateSize} bytes ` +
      `(${((100 * bytesRead) / stateSize).toFixed(2)} %) in ${get} requests.`,
  );
}

async function postWords(
  { client }: CountingRuntime,
  words: readonly string[],
  counts: Map<string, number>,
): Promise<void> {
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const lines: string[] = [];
  for (let begin = 0; begin < words.length; begin += 20) {
    lines.push(words.slice(begin, begin + 20).join(" "));
  }
  await client.json(`/jobs/${JOB}/lines`, { method: "POST", body: lines.join("\n") });
}
