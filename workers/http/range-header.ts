/**
 * The Range header of RFC 9110, section 14.1.1, as far as R2 can serve it: one range of bytes.
 *
 * Promise: what is malformed, of another unit or more than one range is ignored, as the RFC allows, so that
 * the whole blob is answered. Does not know the blob: whether a range is satisfiable shows when it is read.
 */
export type RequestedRange =
  | { readonly offset: number; readonly length?: number }
  | { readonly suffix: number };

/** Undefined: the whole blob. */
export function parseRangeHeader(header: string | undefined): RequestedRange | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (first === "") return last === "" ? undefined : { suffix: Number(last) };
  const offset = Number(first);
  if (last === "") return { offset };
  const length = Number(last) - offset + 1;
  return length > 0 ? { offset, length } : undefined;
}

/** What is answered of a blob of `size` bytes; undefined when nothing can be (status 416). */
export function clipRange(
  range: RequestedRange,
  size: number,
): { readonly offset: number; readonly length: number } | undefined {
  if ("suffix" in range) {
    const length = Math.min(range.suffix, size);
    return length > 0 ? { offset: size - length, length } : undefined;
  }
  const { offset } = range;
  if (offset >= size) return undefined;
  return { offset, length: Math.min(range.length ?? size, size - offset) };
}
