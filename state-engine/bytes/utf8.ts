/**
 * UTF-8 without the platform's encoder, so that a key is written straight into a larger buffer: for
 * the short strings keys are, this is faster than a call out of JavaScript.
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

/** The text of UTF-8 bytes. Throws RangeError when they are not what writeUtf8 writes. */
export function readUtf8(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length;) {
    const lead = bytes[index]!;
    const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let point = size === 1 ? lead : lead & (0x7f >> size);
    for (let tail = 1; tail < size; tail++) point = (point << 6) | (bytes[index + tail]! & 63);
    if (!(point <= 0x10ffff)) throw notUtf8(bytes);
    text += String.fromCodePoint(point);
    index += size;
  }
  const again = new Uint8Array(utf8MaxSize(text));
  const length = writeUtf8(text, again, 0);
  if (length !== bytes.length || bytes.some((byte, index) => byte !== again[index])) {
    throw notUtf8(bytes);
  }
  return text;
}

function notUtf8(bytes: Uint8Array): RangeError {
  return new RangeError(`These ${bytes.length} bytes are not UTF-8: they were not written here.`);
}
