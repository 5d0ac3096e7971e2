/**
 * The whole runtime is killed at random moments while four producers post and checkpoints are taken.
 * What was not answered is sent again; then every count is exact, the chain of manifests is sound and
 * the bucket holds nothing that nobody needs.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { LineProducer } from "../../../cli/line-producer.ts";
import { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { RuntimeStorage } from "../../support/runtime-storage.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { assertSoundBucket } from "./bucket.ts";
import {
  assertCounts,
  assertThat,
  inTemporaryDirectory,
  JOB,
  proofProducers,
  proofText,
  takeCheckpoint,
} from "./proof-job.ts";
import type { Report } from "./proof-job.ts";

export interface KillsOptions {
  readonly bytes: number;
  readonly kills: number;
  readonly parallelism: number;
  readonly seed: number;
  readonly report: Report;
}

export async function run(options: KillsOptions): Promise<void> {
  await inTemporaryDirectory((directory) => prove(directory, options));
}

const LONGEST_DELAY_MS = 60;

async function prove(directory: string, options: KillsOptions): Promise<void> {
  const { kills, parallelism, seed, report } = options;
  const random = new SeededRandom(seed);
  const text = proofText(options.bytes);
  const progress = new Progress(text.bytes);
  const producers = proofProducers(text, random, {
    name: "killed",
    answered: (bytes) => progress.add(bytes),
  });
  const start = () =>
    RuntimeProcess.start({
      directory,
      variables: { WEIR_PARALLELISM: String(parallelism), WEIR_SOURCES: "2" },
      parameters: ["--checkpoint-interval", "50"],
    });
  let hits = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const runtime = await start();
    const posting = postAll(producers, runtime);
    const share = (kill - random.next()) / (kills + 1);
    await Promise.race([progress.reaches(share), posting]);
    await wait(random.integer(LONGEST_DELAY_MS));
    const waiting = producers.filter((producer) => producer.isWaiting).length;
    await runtime.kill();
    await posting;
    const before = hits;
    hits = producers.reduce((sum, producer) => sum + producer.unanswered, 0);
    report(
      `kill ${kill} of ${kills} at ${(progress.share * 100).toFixed(0)} % of the text: ` +
        `${waiting} requests under way, ${hits - before} without an answer (seed ${seed}).`,
    );
  }
  assertThat(
    hits >= kills,
    `Only ${hits} requests were hit by ${kills} kills: they did not come while posting (seed ${seed}).`,
  );
  const runtime = await start();
  try {
    await postAll(producers, runtime);
    for (const { isDone, lastFailure } of producers) {
      if (isDone) continue;
      throw new Error("A connection broke although nobody killed the runtime.", {
        cause: lastFailure,
      });
    }
    await proveState(new WeirClient({ url: runtime.url }), text.counts, directory);
  } finally {
    await runtime.kill();
  }
  report(`${text.counts.size} counts are exact after ${kills} kills that hit ${hits} requests.`);
}

async function proveState(
  client: WeirClient,
  counts: ReadonlyMap<string, number>,
  directory: string,
): Promise<void> {
  await assertCounts(client, counts);
  const { id } = await takeCheckpoint(client);
  await assertCounts(client, counts, { checkpoint: String(id) });
  const { counts: checkpoints } = await client.json<{ counts: { completed: number } }>(
    `/jobs/${JOB}/checkpoints`,
  );
  assertThat(checkpoints.completed > 1, "Only the last checkpoint was completed.");
  await assertSoundBucket(new RuntimeStorage(directory));
}

async function postAll(producers: readonly LineProducer[], runtime: RuntimeProcess): Promise<void> {
  const client = new WeirClient({ url: runtime.url });
  await Promise.all(producers.map((producer) => producer.post(client)));
}

/** Bytes answered so far, and who waits for how much. */
class Progress {
  readonly #total: number;
  #bytes = 0;
  #waiting: { readonly share: number; readonly resolve: () => void } | undefined;

  constructor(total: number) {
    this.#total = total;
  }

  get share(): number {
    return this.#bytes / this.#total;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#waiting !== undefined && this.share >= this.#waiting.share) this.#waiting.resolve();
  }

  async reaches(share: number): Promise<void> {
    if (this.share >= share) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { share, resolve };
    await promise;
  }
}
