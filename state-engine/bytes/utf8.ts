/**
 * UTF-8, of short texts without the platform's encoder and decoder: a key is written straight into a larger
 * buffer, which for the short strings keys are is faster than a call out of JavaScript.
 *
 * Promise: the bytes are those of the Encoding Standard; a lone surrogate becomes U+FFFD.
 */

/** Bytes `text` takes at most. */
export function utf8MaxSize(text: string): number {
  return text.length * 3;
}

/** Writes `text` at `offset` and answers the offset after it. The caller has made room (utf8MaxSize). */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return writeWide(text, index, target, offset);
    target[offset++] = unit;
  }
  return offset;
}

function writeWide(text: string, from: number, target: Uint8Array, offset: number): number {
  for (let index = from; index < text.length; index++) {
    const point = text.codePointAt(index)!;
    if (point < 0x80) {
      target[offset++] = point;
    } else if (point < 0x800) {
      target[offset++] = 0xc0 | (point >> 6);
      target[offset++] = 0x80 | (point & 63);
    } else if (point < 0x10000) {
      const whole = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
      target[offset++] = 0xe0 | (whole >> 12);
      target[offset++] = 0x80 | ((whole >> 6) & 63);
      target[offset++] = 0x80 | (whole & 63);
    } else {
      target[offset++] = 0xf0 | (point >> 18);
      target[offset++] = 0x80 | ((point >> 12) & 63);
      target[offset++] = 0x80 | ((point >> 6) & 63);
      target[offset++] = 0x80 | (point & 63);
      index++;
    }
  }
  return offset;
}

/** Up to this length building a text from its characters beats the platform's decoder, whose call costs as much. */
const SHORT_TEXT_BYTES = 24;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of the bytes from `from` to before `to`. Throws RangeError when they are not what writeUtf8 writes. */
export function readUtf8(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (to - from <= SHORT_TEXT_BYTES) {
    let text = "";
    let index = from;
    for (; index < to && bytes[index]! < 0x80; index++) text += String.fromCharCode(bytes[index]!);
    if (index === to) return text;
  }
  try {
    return decoder.decode(bytes.subarray(from, to));
  } catch (cause) {
    throw new RangeError(`These ${to - from} bytes are not UTF-8: they were not written here.`, {
      cause,
    });
  }
}
