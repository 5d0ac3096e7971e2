/** Commands as a person types them, in a directory, with the Node that runs the tests. */
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const environment = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
};

/** Runs a command to its end and answers what it printed. Rejects with all it printed when it fails. */
export async function runCommand(directory: string, command: string): Promise<string> {
  const options = { cwd: directory, env: environment };
  const { stdout } = await promisify(execFile)("sh", ["-c", command], options);
  return stdout;
}

/**
 * Starts a command that goes on, and answers what `pattern` finds in what it prints. The command is ended
 * when the test finishes.
 */
export async function startCommandUntil(
  directory: string,
  command: string,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  const options = { cwd: directory, env: environment, detached: true } as const;
  const child = spawn("sh", ["-c", command], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  onTestFinished(async () => {
    if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
    await exit;
  });
  const printed: string[] = [];
  child.stderr.on("data", (bytes: Buffer) => printed.push(bytes.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    const found = pattern.exec(line);
    if (found !== null) return found;
  }
  throw new Error(`"${command}" ended before it printed ${pattern}:\n${printed.join("\n")}`);
}

/** How to run a command of one of this repository's packages from anywhere. */
export function commandOf(packageName: string, script: string): string {
  const packageFile = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  return `"${process.execPath}" "${join(dirname(packageFile), script)}"`;
}
