#!/usr/bin/env node
/**
 * What `npx weir` runs, on whatever Node starts it: the built command where Weir is installed as a
 * package, else its source. Node 20 cannot run TypeScript: then the Node that the project brings takes over.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FIRST_MAJOR_WITH_TYPESCRIPT = 24;

const source = new URL("./weir.ts", import.meta.url);
if (!existsSync(source)) {
  await import("../dist/cli/weir.js");
} else if (Number.parseInt(process.versions.node, 10) >= FIRST_MAJOR_WITH_TYPESCRIPT) {
  await import("./weir.ts");
} else {
  const packageFile = createRequire(import.meta.url).resolve("node/package.json");
  const node = join(
    dirname(packageFile),
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  const child = spawn(node, [fileURLToPath(source), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // Ctrl-C reaches the whole group; this process waits for what the command makes of it.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
