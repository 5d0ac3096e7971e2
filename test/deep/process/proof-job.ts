/**
 * What the proofs on the whole runtime share: text in bodies of mixed sizes, four producers, and the
 * comparison of all counts with an independent count.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countWords, naturalText } from "../../../bench/texts.ts";
import { compareCounts, showDifferences } from "../../../cli/output/compare-counts.ts";
import { LineProducer } from "../../../cli/line-producer.ts";
import type { WeirClient } from "../../../cli/weir-client.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";

/** Where a proof says what it did; the deep run prints it. */
export type Report = (line: string) => void;

export const JOB = "wordcount";
const PRODUCERS = 4;
const LARGEST_BODY_BYTES = 5 * 1024 * 1024;

export interface ProofText {
  /** One encoded share for each producer, of whole lines. */
  readonly shares: readonly Uint8Array<ArrayBuffer>[];
  readonly counts: ReadonlyMap<string, number>;
  readonly bytes: number;
}

/** Natural English of about `bytes`, repeated when there is less, and its counts. */
export function proofText(bytes: number): ProofText {
  const lines = naturalText().split("\n").slice(0, -1);
  const shares: string[][] = Array.from({ length: PRODUCERS }, () => []);
  const counts = new Map<string, number>();
  let written = 0;
  while (written < bytes) {
    const taken: string[] = [];
    for (const line of lines) {
      if (written >= bytes) break;
      shares[taken.length % PRODUCERS]!.push(line);
      taken.push(line);
      written += line.length + 1;
    }
    for (const [word, count] of countWords(taken.join("\n"))) {
      counts.set(word, (counts.get(word) ?? 0) + count);
    }
  }
  const encoder = new TextEncoder();
  return {
    shares: shares.map((share) => encoder.encode(`${share.join("\n")}\n`)),
    counts,
    bytes: written,
  };
}

/** Cuts at line ends into bodies from one line to 5 MB, sizes spread evenly over the orders of magnitude. */
export function mixedBodies(
  text: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
): Uint8Array<ArrayBuffer>[] {
  const bodies: Uint8Array<ArrayBuffer>[] = [];
  for (let begin = 0; begin < text.length;) {
    const bytes = Math.floor(LARGEST_BODY_BYTES ** random.next());
    const lineEnd = text.indexOf(10, Math.min(begin + bytes, text.length) - 1);
    const end = lineEnd < 0 ? text.length : lineEnd + 1;
    bodies.push(text.subarray(begin, end));
    begin = end;
  }
  return bodies;
}

/** Named after `name`, so that one runtime can take several texts. */
export function proofProducers(
  text: ProofText,
  random: SeededRandom,
  options: { readonly name: string; readonly answered?: (bytes: number) => void },
): LineProducer[] {
  return text.shares.map((share, index) => {
    const { name, ...rest } = options;
    const bodies = mixedBodies(share, random);
    return new LineProducer({ id: `${name}-${index}`, job: JOB, bodies, ...rest });
  });
}

/** Throws naming the first words that differ. `query` may name a checkpoint. */
export async function assertCounts(
  client: WeirClient,
  expected: ReadonlyMap<string, number>,
  query: Readonly<Record<string, string>> = {},
): Promise<void> {
  const found = new Map<string, number>();
  for await (const { key, value } of client.scan(JOB, "counts", { limit: "10000", ...query })) {
    if (found.has(String(key))) throw new Error(`The scan gave the word "${key}" twice.`);
    found.set(String(key), value as number);
  }
  const differences = compareCounts(found, expected);
  if (differences.length === 0) return;
  throw new Error(
    `${differences.length} of ${expected.size} counts are wrong: ${showDifferences(differences)}.`,
  );
}

/** Takes a checkpoint of everything accepted and answers its detail. */
export async function takeCheckpoint(client: WeirClient): Promise<CheckpointDetail> {
  return await client.postJson<CheckpointDetail>(`/jobs/${JOB}/checkpoints?wait=60`);
}

export interface CheckpointDetail {
  readonly id: number;
  readonly status: string;
  readonly checkpointed_size: number;
  readonly state_size: number;
  readonly put_operations: number;
  readonly get_operations: number;
  readonly new_tables: number;
  readonly external_path: string;
}

/** Runs `body` with an empty directory that is gone afterwards. */
export async function inTemporaryDirectory<Result>(
  body: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "weir-proof-"));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

export function assertThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
