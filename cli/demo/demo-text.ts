/** What the demonstration posts, and the count it is judged by. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { bodiesOf, countWords, naturalText } from "../../bench/texts.ts";

export interface DemoText {
  readonly name: string;
  /** Of one round. */
  readonly bytes: number;
  readonly rounds: number;
  readonly bodies: readonly Uint8Array<ArrayBuffer>[];
  /** Of all rounds. Made by a plain loop that knows nothing of Weir. */
  readonly counts: ReadonlyMap<string, number>;
}

const BODY_BYTES = 256_000;

/** `file`, or English sentences when there is none, as often as it takes to make `totalBytes`. */
export async function demoText(file: string | undefined, totalBytes: number): Promise<DemoText> {
  const content = file === undefined ? naturalText() : await readFile(file, "utf8");
  const text = content.endsWith("\n") ? content : `${content}\n`;
  const bytes = new TextEncoder().encode(text).length;
  const rounds = Math.max(1, Math.round(totalBytes / bytes));
  const once = bodiesOf(text, BODY_BYTES) as Uint8Array<ArrayBuffer>[];
  const counts = [...countWords(text)].map(([word, count]) => [word, count * rounds] as const);
  return {
    name: file === undefined ? "English sentences of the npm package nlp-corpus" : basename(file),
    bytes,
    rounds,
    bodies: Array.from({ length: rounds }, () => once).flat(),
    counts: new Map(counts),
  };
}
