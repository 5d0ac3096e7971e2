/** Where the browser of the browser tests comes from, and what happens where there is none. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/runtime.ts";
import { browserProjects } from "./browser-projects.ts";
import { findChromium } from "./find-chromium.ts";

function executable(directory: string, name: string, mode = 0o755): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, mode);
  return path;
}

describe("findChromium", () => {
  test("takes CHROMIUM_PATH before anything else, and refuses one where there is no executable", () => {
    const directory = temporaryDirectory();
    const given = executable(directory, "mine");
    executable(directory, "chromium");
    expect(findChromium({ CHROMIUM_PATH: given, PATH: directory })).toBe(given);
    const absent = join(directory, "absent");
    expect(() => findChromium({ CHROMIUM_PATH: absent, PATH: directory })).toThrow(
      `CHROMIUM_PATH is ${absent}, where there is no executable: correct or unset it.`,
    );
  });

  test("looks through PATH in order, for chromium first", () => {
    const [first, second] = [temporaryDirectory(), temporaryDirectory()];
    executable(first, "google-chrome");
    const chromium = executable(second, "chromium");
    const PATH = [first, "", second].join(delimiter);
    expect(findChromium({ PATH, CHROMIUM_PATH: "" })).toBe(chromium);
  });
});

describe("The browser tests", () => {
  const nowhere = { PATH: "" };

  test("are one project where there is a Chromium", () => {
    const path = executable(temporaryDirectory(), "chromium");
    const projects = browserProjects({ CHROMIUM_PATH: path }, () => undefined);
    expect(projects.map(({ test: options }) => options?.name)).toEqual(["browser"]);
  });

  test("are skipped with one line that says how to install one where there is none", () => {
    const said: string[] = [];
    expect(browserProjects(nowhere, (line) => said.push(line), absent)).toEqual([]);
    expect(said).toEqual([
      "Skipping the browser tests: no Chromium was found: install it (`apt-get install chromium`, " +
        "`brew install --cask chromium`) or set CHROMIUM_PATH.\n",
    ]);
  });

  test("fail in CI where there is none", () => {
    const projects = (): unknown =>
      browserProjects({ ...nowhere, CI: "true" }, () => undefined, absent);
    expect(projects).toThrow("The browser tests must run, but no Chromium was found: install it");
  });
});

/** As on a machine without any, wherever this runs. */
function absent(): undefined {
  return undefined;
}
