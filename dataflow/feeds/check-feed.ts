/** What the options of feeds have in common when they are checked: a RangeError says what to write instead. */

export function checkFeedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(name)) return name;
  throw new RangeError(
    `${JSON.stringify(name)} cannot be the name of a feed: its progress is kept under it. ` +
      `Write 1 to 128 of A-Z, a-z, 0-9, ".", "_", "/" and "-", beginning with a letter or digit.`,
  );
}

export function checkInteger(
  option: string,
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${option} is ${value}. Write a whole number from ${least} to ${most}.`);
}
