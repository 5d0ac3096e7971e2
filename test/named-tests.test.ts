/** docs/correctness.md says which of our tests shows what other systems test: each one it names is there. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const page = readFileSync(new URL("docs/correctness.md", root), "utf8");
const [, section] = page.split("\n## Tests of other systems, by name\n");

interface Row {
  readonly name: string;
  readonly file?: string;
  readonly said: string;
}

/** Rows of both tables: a file and a title, or "Not here:" and the reason. */
const rows: readonly Row[] = section!
  .split("\n## ")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (-+|Their test) /.test(line))
  .map((line) => {
    const [, name, ours] = line
      .split(" | ")
      .flatMap((cell, index) =>
        index === 0 ? ["", cell.replace(/^\| /, "")] : [cell.replace(/ +\|$/, "")],
      );
    const [, file, title] = /^`(test\/[\w./-]+)`: (.+)$/.exec(ours!.trim()) ?? [];
    return file === undefined
      ? { name: name!.trim(), said: ours!.trim() }
      : { name: name!.trim(), file, said: title!.trim() };
  });

describe("every test of another system that docs/correctness.md names", () => {
  test("is shown by a test of ours, or has a reason why not", () => {
    expect(rows.length).toBeGreaterThan(80);
    const without = rows.filter(
      ({ file, said }) => file === undefined && !/^Not here: .{20}/.test(said),
    );
    expect(without).toEqual([]);
  });

  test("is shown by a title that exists in the file it names", () => {
    const missing = rows.filter(
      ({ file, said }) =>
        file !== undefined && !readFileSync(new URL(file, root), "utf8").includes(said),
    );
    expect(missing).toEqual([]);
  });
});
