/** Rules of the repository that no linter knows. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const LONGEST_FILE_LINES = 400;

/** What is in the repository, or about to be: ignored files are nobody's business. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));

const code = files.filter((file) => /\.(ts|mjs)$/.test(file));
const pages = files.filter((file) => file.endsWith(".md"));

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

describe("code", () => {
  test("no file has more than 400 lines", () => {
    const long = code.filter((file) => read(file).split("\n").length > LONGEST_FILE_LINES + 1);
    expect(long).toEqual([]);
  });

  test("nothing is marked as to be done or fixed later", () => {
    const marks = new RegExp(["TO", "DO|FIX", "ME|XX", "X"].join(""));
    expect(code.filter((file) => marks.test(read(file)))).toEqual([]);
  });

  test("every file of code begins by saying what it is", () => {
    // Tests say it in their titles.
    const speaking = code.filter((file) => !file.endsWith(".test.ts") && file.includes("/"));
    const opening = /^(#!.*\n)?(\/\/.*\n)*\/\*\*/;
    expect(speaking.filter((file) => !opening.test(read(file)))).toEqual([]);
  });

  test("neutral code and the objects' logic write to no console", () => {
    const neutral = code.filter((file) => /^(state-engine|dataflow|durable-objects)\//.test(file));
    const shells = /^durable-objects\/(platform\/|[a-z]+-object\.ts$)/;
    const logic = neutral.filter((file) => !shells.test(file));
    expect(logic.filter((file) => /\bconsole\./.test(read(file)))).toEqual([]);
  });

  test("no test is skipped or alone", () => {
    const tests = code.filter((file) => file.startsWith("test/"));
    const partial = /\b(test|describe|it)\.(skip|only|todo)\b/;
    expect(tests.filter((file) => partial.test(read(file)))).toEqual([]);
  });
});

describe("pages", () => {
  test.each(pages)("%s has one title", (page) => {
    const text = read(page).replaceAll(/^```[^]*?^```/gm, "");
    expect(text.match(/^# .+$/gm)).toHaveLength(1);
  });

  test.each(pages)("%s links to files that exist", (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)];
    const missing = links
      .map(([, link]) => link!)
      .filter((link) => !existsSync(join(root, dirname(page), link)));
    expect(missing).toEqual([]);
  });

  test.each(["ARCHITECTURE.md", "README.md"])("every path named in %s exists", (page) => {
    const named = [...read(page).matchAll(/`([a-zA-Z][\w.-]*\/[\w./*-]*|[\w-]+\.(?:ts|md|toml))`/g)]
      .map(([, path]) => path!)
      .filter((path) => !path.includes("*"));
    const known = (path: string) =>
      files.some((file) => file === path || file.startsWith(path) || file.endsWith(`/${path}`));
    // A checkpoint's objects are in the bucket, a local run's state is in its directory.
    const elsewhere = /^(chk-|\.weir)/;
    expect(named.filter((path) => !elsewhere.test(path) && !known(path))).toEqual([]);
  });
});

describe("the specification", () => {
  const titles = code
    .filter((file) => file.startsWith("test/") && file.endsWith(".test.ts"))
    .flatMap(
      (file) =>
        // The second: what follows test.each(…).
        read(file).match(/(?:\b(?:test|it|describe)[.\w]*\(|\)\()\s*["'`][^\n]*/g) ?? [],
    );
  const rules = [...read("SPEC.md").matchAll(/^- \*\*([A-Z]{2}\d+)\*\*/gm)].map(([, id]) => id!);

  test("has rules, each with a number of its own", () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(new Set(rules).size).toBe(rules.length);
  });

  test.each(rules)("[%s] is shown by a test that names it", (id) => {
    expect(titles.filter((title) => title.includes(`[${id}]`))).not.toEqual([]);
  });
});
