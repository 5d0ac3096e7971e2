/** Single bits of an object with everything in it, flipped; test/deep/engine/bit-flips.ts flips every one. */
import { expect, test } from "vitest";
import { CODECS, flipBits } from "./bit-flips.ts";

test.each(CODECS)(
  "a flipped bit of tables with everything in them is detected or harmless, blocks stored as %s",
  async (codec) => {
    // About every second byte, each with another of its bits.
    const { bits, detected } = await flipBits(codec, (bit) => bit % 17 === 0);
    expect(bits).toBeGreaterThan(300);
    expect(detected).toBeGreaterThan(bits * 0.8);
  },
);
