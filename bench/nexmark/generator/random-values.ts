/**
 * The random strings and prices of the published generator: short texts with gaps, padding of a given size,
 * and prices spread evenly over six orders of magnitude. One deviation: padding is lower-case letters only (the
 * original takes the remainder of a negative number and so also yields other characters).
 */
import type { SeededRandom } from "./seeded-random.ts";

/** 3 to `lengthLimit` - 1 letters, about one in thirteen of them `gap`; spaces at the ends are cut off. */
export function randomText(random: SeededRandom, lengthLimit: number, gap = " "): string {
  let text = "";
  for (let left = 3 + random.nextInteger(lengthLimit - 3); left > 0; left--) {
    text += random.nextInteger(13) === 0 ? gap : randomLetter(random);
  }
  return text.trim();
}

/** Padding that brings an event of `currentBytes` to `averageBytes` on average, give or take 20 %. */
export function randomPadding(
  random: SeededRandom,
  size: { readonly currentBytes: number; readonly averageBytes: number },
): string {
  const missingBytes = size.averageBytes - size.currentBytes;
  if (missingBytes <= 0) return "";
  const spread = Math.round(missingBytes * 0.2);
  return randomLetters(
    random,
    missingBytes - spread + (spread === 0 ? 0 : random.nextInteger(2 * spread)),
  );
}

/** In cents: 100 to 100,000,000, as many between 100 and 1,000 as between 10,000,000 and 100,000,000.
 * Rounding hides that engines may differ in the last bit of a power. */
export function randomPrice(random: SeededRandom): number {
  return Math.round(10 ** (random.nextFraction() * 6) * 100);
}

export function randomElement<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.nextInteger(choices.length)]!;
}

const LETTER_A = 97;

function randomLetter(random: SeededRandom): string {
  return String.fromCharCode(LETTER_A + random.nextInteger(26));
}

/** Six letters a draw, because 26^6 is the largest power of 26 below 2^32. */
function randomLetters(random: SeededRandom, length: number): string {
  let letters = "";
  while (letters.length < length) {
    const draw = random.nextUint32();
    letters += String.fromCharCode(
      LETTER_A + (draw % 26),
      LETTER_A + (Math.floor(draw / 26) % 26),
      LETTER_A + (Math.floor(draw / 26 ** 2) % 26),
      LETTER_A + (Math.floor(draw / 26 ** 3) % 26),
      LETTER_A + (Math.floor(draw / 26 ** 4) % 26),
      LETTER_A + (Math.floor(draw / 26 ** 5) % 26),
    );
  }
  return letters.slice(0, length);
}
