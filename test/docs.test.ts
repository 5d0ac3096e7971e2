/** What README.md says to type works: its commands are run against a real runtime, its answers compared. */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { RuntimeProcess } from "../cli/runtime-process.ts";
import { flinkNames } from "./support/flink-names.ts";
import { startRuntime, temporaryDirectory } from "./support/runtime.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const packageJson = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { scripts: Record<string, string>; bin: Record<string, string> };

const ADDRESS = "http://127.0.0.1:8787";

/** The fenced blocks of one language. */
function blocksOf(language: string): string[] {
  const blocks = readme.matchAll(/^```(\w+)\n([^]*?)^```/gm);
  return [...blocks].filter(([, name]) => name === language).map(([, , text]) => text!);
}

interface Example {
  readonly command: string;
  /** What the comment below says it prints; "…" stands for anything. */
  readonly answer?: string;
}

function examplesOf(block: string): Example[] {
  const examples: Example[] = [];
  for (const line of block.trim().split("\n")) {
    if (!line.startsWith("# ")) examples.push({ command: line });
    else examples.push({ ...examples.pop()!, answer: line.slice(2) });
  }
  return examples;
}

/** Without an answer: anything at all. */
function patternOf(answer: string | undefined): RegExp {
  if (answer === undefined) return /\S/;
  const parts = answer.split("…").map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

const examples = blocksOf("sh").flatMap(examplesOf);

/** Runs it as typed, but for the address and for what `npx weir` starts without asking npm. */
async function run(command: string, { url }: RuntimeProcess): Promise<string> {
  const here = command
    .replaceAll(ADDRESS, url)
    .replace(/^npx weir/, `"${process.execPath}" ${packageJson.bin["weir"]}`);
  const env = { ...process.env, WEIR_URL: url, NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)("sh", ["-c", here], { cwd: root, env });
  return stdout.trim();
}

test("README.md shows the job that runs", () => {
  const job = readFileSync(new URL("../workers/jobs/word-count.ts", import.meta.url), "utf8");
  for (const block of blocksOf("ts")) expect(job).toContain(block.trim());
});

test("README.md's examples print what it says, in a runtime started as it says", async () => {
  expect(examples.map(({ command }) => command)).toContain("npm ci && npm start");
  expect(readme).toContain(`\`Weir is ready at ${ADDRESS}\``);
  const runtime = await startRuntime({ directory: temporaryDirectory() });
  const runnable = examples.filter(({ command }) => /^(curl|npx weir) /.test(command));
  expect(runnable.length).toBeGreaterThan(5);
  for (const { command, answer } of runnable) {
    const printed = await run(command, runtime);
    expect({ command, printed }).toEqual({
      command,
      printed: expect.stringMatching(patternOf(answer)),
    });
  }
}, 120_000);

test("every other command README.md names exists", () => {
  const named = [...readme.matchAll(/\bnpm (?:run )?([\w:]+)/g)].map(([, script]) => script!);
  const npmOwn = ["ci"];
  const unknown = named.filter((script) => !(script in packageJson.scripts));
  expect(unknown.filter((script) => !npmOwn.includes(script))).toEqual([]);
});

test("every name that docs/flink.md gives for Weir is in the code", () => {
  const page = readFileSync(new URL("../docs/flink.md", import.meta.url), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const ours = rows.map((row) => row.split(" | ")[1] ?? "");
  const code = ours.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
  const names = new Set(code.flatMap((text) => text.match(/[A-Za-z]{3,}/g) ?? []));
  const files = execFileSync("git", ["ls-files", "dataflow", "workers", "cli", "state-engine"], {
    cwd: root,
    encoding: "utf8",
  });
  const product = files
    .split("\n")
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  expect(names.size).toBeGreaterThan(60);
  const known = new Set(product.match(/[A-Za-z]{3,}/g));
  expect([...names].filter((name) => !known.has(name))).toEqual([]);
});

test.each(Object.entries(flinkNames))(
  "docs/flink.md says of every name of Flink under %s what it is here, or that it is not and why",
  (section, names) => {
    const page = readFileSync(new URL("../docs/flink.md", import.meta.url), "utf8");
    const [, text = ""] = page.split(`## ${section}\n`);
    const rows = text
      .split("\n## ")[0]!
      .split("\n")
      .filter((line) => line.startsWith("| "));
    const isSaid = (name: string): boolean => {
      const whole = new RegExp(`(?<!\\w)${RegExp.escape(name)}(?!\\w)`);
      return rows.some((row) => {
        const [, ours, remark = ""] = row.split(" | ").map((cell) => cell.trim());
        // What is not here has its reason beside it.
        return whole.test(row) && (ours !== "none" || remark.length > 20);
      });
    };
    expect(names.split(", ").filter((name) => !isSaid(name))).toEqual([]);
  },
);
