/** Four producers at once, bodies from one line to 5 MB: the counts equal an independent count, on every parallelism. */
import { RuntimeProcess } from "../../../cli/runtime-process.ts";
import { WeirClient } from "../../../cli/weir-client.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import {
  assertCounts,
  assertThat,
  inTemporaryDirectory,
  proofProducers,
  proofText,
  takeCheckpoint,
} from "./proof-job.ts";
import type { ProofText, Report } from "./proof-job.ts";

export interface ExactCountsOptions {
  readonly bytes: number;
  readonly parallelisms: readonly number[];
  readonly seed: number;
  readonly report: Report;
}

export async function run({
  bytes,
  parallelisms,
  seed,
  report,
}: ExactCountsOptions): Promise<void> {
  const text = proofText(bytes);
  for (const parallelism of parallelisms) {
    await inTemporaryDirectory(async (directory) => {
      const runtime = await RuntimeProcess.start({
        directory,
        variables: { WEIR_PARALLELISM: String(parallelism), WEIR_SOURCES: "2" },
        parameters: ["--checkpoint-interval", "500"],
      });
      try {
        await prove(runtime, text, { parallelism, seed, report });
      } finally {
        await runtime.kill();
      }
    });
  }
}

async function prove(
  runtime: RuntimeProcess,
  text: ProofText,
  { parallelism, seed, report }: { parallelism: number; seed: number; report: Report },
): Promise<void> {
  const client = new WeirClient({ url: runtime.url });
  const producers = proofProducers(text, new SeededRandom(seed), { name: "exact" });
  const began = performance.now();
  const done = await Promise.all(producers.map((producer) => producer.post(client)));
  assertThat(done.every(Boolean), "A connection broke although nobody killed the runtime.");
  await assertCounts(client, text.counts);
  const { id } = await takeCheckpoint(client);
  await assertCounts(client, text.counts, { checkpoint: String(id) });
  report(
    `${(text.bytes / 1e6).toFixed(1)} MB on ${parallelism} partitions: ${text.counts.size} counts are exact, ` +
      `live and at checkpoint ${id}, after ${((performance.now() - began) / 1000).toFixed(1)} s (seed ${seed}).`,
  );
}
