/**
 * A schedule of docs/protocol.md as a test: played on the product, where its promise holds, and again
 * with the rule taken out, where it must be seen to break. What a play answers is plain data; one that
 * comes to no end answers { failure }.
 */
import { expect, it } from "vitest";
import type { Breakage } from "../mutants/mutant.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface Schedule extends Omit<StageOptions, "without"> {
  /** What is so in this world with the rule and without: sizes that would take too long otherwise. */
  readonly conditions?: readonly Breakage[];
  readonly play: (stage: Stage) => Promise<unknown>;
  /** What the play answers where the rule holds. */
  readonly kept: unknown;
  /** The rule taken out, by what is done instead. */
  readonly without: Readonly<
    Record<string, { readonly breakages: readonly Breakage[]; readonly broken: unknown }>
  >;
}

export function schedule(
  title: string,
  { conditions = [], kept, play, without, ...options }: Schedule,
): void {
  it.each([title])("%s", async () => {
    expect(await outcomeOf({ ...options, conditions }, play)).toEqual(kept);
    for (const [rule, { breakages, broken }] of Object.entries(without)) {
      const outcome = await outcomeOf({ ...options, conditions, without: breakages }, play);
      expect({ rule, outcome }).not.toEqual({ rule, outcome: kept });
      expect({ rule, outcome }).toEqual({ rule, outcome: broken });
    }
  });
}

/** The play came to no end, for a reason with these words. */
export function failure(words: string): unknown {
  return { failure: expect.stringContaining(words) as unknown };
}

async function outcomeOf(options: StageOptions, play: Schedule["play"]): Promise<unknown> {
  const stage = new Stage(options);
  try {
    return await stage.world.watch(() => play(stage));
  } catch (error) {
    if (options.without === undefined) throw error;
    return { failure: error instanceof Error ? error.message : String(error) };
  } finally {
    stage.close();
  }
}
