/** Throws naming the first line in which a job's result differs from the batch query's. */
export function assertEqualLines(
  what: string,
  {
    actual,
    expected,
  }: { readonly actual: readonly string[]; readonly expected: readonly string[] },
): void {
  const place = expected.findIndex((line, index) => line !== actual[index]);
  if (place < 0 && expected.length === actual.length) return;
  const at = place < 0 ? expected.length : place;
  throw new Error(
    `${what}: ${actual.length} lines, the batch query has ${expected.length}. ` +
      `Line ${at} is ${actual[at] ?? "missing"} instead of ${expected[at] ?? "nothing"}.`,
  );
}
