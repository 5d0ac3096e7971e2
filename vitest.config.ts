import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { findChromium, HOW_TO_INSTALL_CHROMIUM } from "./test/browser/find-chromium.ts";

/** The same tests in every runtime they claim: the file's ending names it. */
export default defineConfig({
  test: {
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
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: { name: "workerd", include: ["test/**/*.workerd.test.ts"], testTimeout: 60_000 },
      },
      ...browserProjects(),
    ],
  },
});

/** None where there is no Chromium, except in CI, where its absence is a failure. */
function browserProjects(): TestProjectInlineConfiguration[] {
  const executablePath = findChromium(process.env);
  if (executablePath === undefined) {
    const missing = `no Chromium was found: ${HOW_TO_INSTALL_CHROMIUM}`;
    if (process.env["CI"] === "true")
      throw new Error(`The browser tests must run, but ${missing}.`);
    sayOnce(`Skipping the browser tests: ${missing}.\n`);
    return [];
  }
  return [
    {
      test: {
        name: "browser",
        include: ["test/**/*.browser.test.ts"],
        testTimeout: 60_000,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions: { executablePath } }),
          instances: [{ browser: "chromium" }],
        },
      },
      optimizeDeps: { include: ["idb-keyval", "fflate", "fzstd"] },
    },
  ];
}

/** Vitest loads this file once more for a project with plugins of its own. */
function sayOnce(line: string): void {
  const said = globalThis as { weirConfigurationSaid?: string };
  if (said.weirConfigurationSaid !== line) process.stderr.write(line);
  said.weirConfigurationSaid = line;
}
