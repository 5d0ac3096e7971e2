/**
 * The bounded table that query 13 looks bids up in: 10,000 rows, each a number and its text, as the published
 * `SideInputGenerator` writes them.
 */

export const SIDE_INPUT_ROW_COUNT = 10_000;

export function makeSideInput(): ReadonlyMap<number, string> {
  return new Map(Array.from({ length: SIDE_INPUT_ROW_COUNT }, (_, key) => [key, String(key)]));
}
