/**
 * Texts to measure and demonstrate with. Both are the same bytes on every machine.
 *
 * `naturalText` is real English: sentences of the npm package nlp-corpus, one a line. `manyWordsText` is
 * made: words drawn from 165,000 with the frequencies of Zipf's law (exponent 0.9), so that more than 150,000
 * appear and most of them are rare, as identifiers and URLs are.
 */
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { SeededRandom } from "../test/support/seeded-random.ts";

const MEGABYTE = 1_000_000;

/** About 9 MB of English sentences, one a line, each ended by "\n". */
export function naturalText(): string {
  const entry = createRequire(import.meta.url).resolve("nlp-corpus");
  const folder = join(dirname(entry), "..", "..", "builds");
  const names = readdirSync(folder).sort();
  const sentences = names.flatMap(
    (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as string[],
  );
  return sentences.map((sentence) => `${sentence.replaceAll(/\s+/g, " ").trim()}\n`).join("");
}

/** About `bytes` of ASCII lines of ten words each. */
export function manyWordsText(bytes = 9 * MEGABYTE, vocabulary = 165_000): string {
  const random = new SeededRandom(20_261_001);
  const words = Array.from({ length: vocabulary }, (_, rank) => wordOfRank(rank));
  const cumulative = cumulativeZipf(vocabulary, 0.9);
  const lines: string[] = [];
  for (let written = 0; written < bytes;) {
    const line = Array.from({ length: 10 }, () => words[pick(cumulative, random.next())]).join(" ");
    written += line.length + 1;
    lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

/** Cuts at line ends into bodies of about `bytes`; each is encoded once. */
export function bodiesOf(text: string, bytes = MEGABYTE): Uint8Array[] {
  const encoded = new TextEncoder().encode(text);
  const bodies: Uint8Array[] = [];
  for (let begin = 0; begin < encoded.length;) {
    const lineEnd = encoded.indexOf(10, Math.min(begin + bytes, encoded.length) - 1);
    const end = lineEnd < 0 ? encoded.length : lineEnd + 1;
    bodies.push(encoded.slice(begin, end));
    begin = end;
  }
  return bodies;
}

/** The words a word count counts, as the job in workers/jobs/word-count.ts sees them. */
export function wordsOf(line: string): string[] {
  return line.toLowerCase().match(/\w+/g) ?? [];
}

/** An independent count: nothing of Weir's is used. */
export function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function wordOfRank(rank: number): string {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  let word = "";
  for (let rest = rank + 26; rest > 0; rest = Math.floor(rest / 26)) word += letters[rest % 26];
  return word.length % 2 === 0 ? word : `${word}${rank % 97}`;
}

function cumulativeZipf(count: number, exponent: number): Float64Array {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent;
    cumulative[rank] = sum;
  }
  return cumulative.map((value) => value / sum);
}

/** The first rank whose cumulative share reaches `share`. */
function pick(cumulative: Float64Array, share: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! < share) low = middle + 1;
    else high = middle;
  }
  return low;
}
