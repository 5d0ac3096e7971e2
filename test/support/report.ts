/** Where the small form of a proof says what it did: standard error, next to the test's title. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
