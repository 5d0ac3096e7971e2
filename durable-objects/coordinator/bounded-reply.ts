/**
 * Keeps the coordinator's answers below the 4 MiB that every answer between objects may have [41].
 * Pure: of a list, what fits from its beginning.
 */

/** Bytes one list may take of an answer: the rest of the answer has the other half. */
export const largestListBytes = 2 * 1024 * 1024;

/** As many of `items` as fit, from the first on. The platform takes up to two bytes for a character. */
export function fitting<Item>(
  items: readonly Item[],
  limitBytes: number = largestListBytes,
): readonly Item[] {
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    bytes += 2 * JSON.stringify(item).length;
    if (bytes > limitBytes) return items.slice(0, index);
  }
  return items;
}
