/** The project of Vitest for tests in a real Chromium; vitest.config.ts takes it in. */
import { playwright } from "@vitest/browser-playwright";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { findChromium, HOW_TO_INSTALL_CHROMIUM } from "./find-chromium.ts";
import { weirServer } from "./weir-server.ts";

/** None where there is no Chromium, and `say` hears why; except in CI, where its absence is a failure. */
export function browserProjects(
  variables: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
  find = findChromium,
): TestProjectInlineConfiguration[] {
  const executablePath = find(variables);
  if (executablePath === undefined) {
    const missing = `no Chromium was found: ${HOW_TO_INSTALL_CHROMIUM}`;
    if (variables["CI"] === "true") throw new Error(`The browser tests must run, but ${missing}.`);
    say(`Skipping the browser tests: ${missing}.\n`);
    return [];
  }
  return [
    {
      plugins: [weirServer()],
      test: {
        name: "browser",
        include: ["test/**/*.browser.test.ts"],
        testTimeout: 60_000,
        hookTimeout: 60_000,
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
