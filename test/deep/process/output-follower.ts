/**
 * Reads the committed output of counts as it grows, as somebody outside does who keeps the newest value of each key,
 * and holds it to exactly once: from checkpoint to checkpoint a count only grows, each key comes once per
 * checkpoint, and in the end the newest values are the counts.
 */
import type { WeirClient } from "../../../cli/weir-client.ts";
import { compareCounts, showDifferences } from "../../../cli/output/compare-counts.ts";
import { assertThat, JOB } from "./proof-job.ts";
import { readOutput, type OutputLine } from "./read-output.ts";

export class OutputFollower {
  readonly #counts = new Map<string, number>();
  readonly #groups = new Map<string, number>();
  #after = 0;
  #records = 0;

  /** Results taken over so far. */
  get records(): number {
    return this.#records;
  }

  /** Takes over what was committed since the last call. Nothing of it when the connection breaks. */
  async read(client: WeirClient): Promise<void> {
    for (const line of await readOutput(client, JOB, this.#after)) this.#take(line);
  }

  assertEnded(counts: ReadonlyMap<string, number>, groups: ReadonlyMap<string, number>): void {
    for (const [name, found, expected] of [
      ["counts", this.#counts, counts],
      ["groups", this.#groups, groups],
    ] as const) {
      const differences = compareCounts(found, expected);
      assertThat(
        differences.length === 0,
        `${differences.length} of ${expected.size} ${name} are committed wrong: ${showDifferences(differences)}.`,
      );
    }
  }

  #take({ checkpoint, key, output, ...line }: OutputLine): void {
    const value = line.value as number | null;
    assertThat(checkpoint >= this.#after, `Checkpoint ${checkpoint} was committed too late.`);
    this.#after = checkpoint;
    this.#records++;
    if (output === "groups") {
      if (value === null) this.#groups.delete(String(key));
      else this.#groups.set(String(key), value);
      return;
    }
    const before = this.#counts.get(String(key)) ?? 0;
    assertThat(
      value !== null && value > before,
      `Checkpoint ${checkpoint} commits ${value} for "${key}", which had ${before} already.`,
    );
    this.#counts.set(String(key), value);
  }
}
