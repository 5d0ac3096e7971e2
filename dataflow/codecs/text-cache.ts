/**
 * Texts that come again and again, by their bytes: names of fields, states, channels, categories. A text that is
 * in here costs a look at its bytes and no memory of its own.
 *
 * Promise: answers what readUtf8 answers. Direct mapped and of fixed size: a text that is not there takes the
 * place of another. Long texts and those beyond ASCII pass by.
 */
import { readUtf8 } from "../../state-engine/bytes/utf8.ts";

const PLACES = 4096;
const LONGEST_BYTES = 32;

export class TextCache {
  readonly #texts: string[] = Array.from<string>({ length: PLACES }).fill("");
  readonly #areNames: boolean;

  /** `areNames`: the texts name fields of objects, and are kept in the form in which that is fastest. */
  constructor({ areNames = false } = {}) {
    this.#areNames = areNames;
  }

  read(bytes: Uint8Array, from: number, to: number): string {
    const length = to - from;
    if (length > LONGEST_BYTES) return readUtf8(bytes, from, to);
    let hash = length;
    let highest = 0;
    for (let index = from; index < to; index++) {
      const byte = bytes[index]!;
      highest |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (highest >= 0x80) return readUtf8(bytes, from, to);
    const place = (hash ^ (hash >>> 12)) & (PLACES - 1);
    const known = this.#texts[place]!;
    if (known.length === length && isText(known, bytes, from)) return known;
    const text = readUtf8(bytes, from, to);
    const kept = this.#areNames ? Object.keys({ [text]: 0 })[0]! : text;
    this.#texts[place] = kept;
    return kept;
  }
}

function isText(text: string, bytes: Uint8Array, from: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[from + index]) return false;
  }
  return true;
}
