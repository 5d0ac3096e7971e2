/** Every single bit of an object with everything in it, flipped, for each codec; test/state-engine/bit-flips.ts says how. */
import { CODECS, flipBits } from "../../state-engine/bit-flips.ts";
import type { EngineProofOptions } from "./memory-ceiling.ts";

/** Throws at the first flip that gives a wrong answer. */
export async function run({ report }: Pick<EngineProofOptions, "report">): Promise<void> {
  for (const codec of CODECS) {
    const { bits, detected } = await flipBits(codec, () => true);
    if (detected < bits * 0.8) {
      throw new Error(`Only ${detected} of ${bits} flipped bits were detected: codec=${codec}`);
    }
    report(`bit flips: blocks stored as ${codec}, ${detected} of ${bits} detected, none harmful`);
  }
}
