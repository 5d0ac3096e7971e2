import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { browserProjects } from "./test/browser/browser-projects.ts";

/** The same tests in every runtime they claim: the file's ending names it. */
export default defineConfig({
  test: {
    // Vitest leaves a core to itself, which is half of a machine of two. It hardly needs it.
    maxWorkers: "100%",
    projects: [
      {
        // As in a project that has Weir as a package.
        resolve: { alias: { weir: fileURLToPath(new URL("dataflow/index.ts", import.meta.url)) } },
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.workerd.test.ts", "test/**/*.browser.test.ts"],
          setupFiles: ["test/support/replay-seed.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { GOLDEN_FILES: goldenFiles() } },
          }),
        ],
        test: { name: "workerd", include: ["test/**/*.workerd.test.ts"], testTimeout: 60_000 },
      },
      ...browserProjects(process.env, sayOnce),
    ],
  },
});

/** Golden files for workerd, which has no folder to read: base64 by path. */
function goldenFiles(): Record<string, string> {
  const root = fileURLToPath(new URL("test/fixtures/", import.meta.url));
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    paths.map((path) => [relative(root, path).replaceAll("\\", "/"), readFileSync(path, "base64")]),
  );
}

/** Vitest loads this file once more for a project with plugins of its own. */
function sayOnce(line: string): void {
  const said = globalThis as { weirConfigurationSaid?: string };
  if (said.weirConfigurationSaid !== line) process.stderr.write(line);
  said.weirConfigurationSaid = line;
}
