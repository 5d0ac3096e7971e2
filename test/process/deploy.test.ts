/** What is in the repository can be deployed as it is. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/runtime.ts";

test("wrangler deploy --dry-run accepts the Worker and its bindings", async () => {
  const packageFile = createRequire(import.meta.url).resolve("wrangler/package.json");
  const wrangler = join(dirname(packageFile), "bin", "wrangler.js");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--outdir", temporaryDirectory()],
    { env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" } },
  );
  for (const binding of ["env.SOURCE", "env.PARTITION", "env.COORDINATOR", "env.BUCKET"]) {
    expect(stdout).toContain(binding);
  }
  expect(stdout).toContain("--dry-run: exiting now.");
});
