/** `npx weir` as a person types it, in a process of its own with the Node that runs the tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../cli/weir.mjs", import.meta.url));

export interface WeirResult {
  /** What the process ended with. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end, whatever that is. `variables` are set in its environment. */
export async function runWeir(
  parameters: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<WeirResult> {
  const { WEIR_TOKEN: _token, WEIR_URL: _url, ...inherited } = process.env;
  const child = spawn(process.execPath, [script, ...parameters], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited, NO_COLOR: "1", ...variables },
  });
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exit,
  ]);
  return { code, stdout, stderr };
}
