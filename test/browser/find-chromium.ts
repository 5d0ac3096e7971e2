/**
 * The Chromium that browser tests run in: the system's own, never a download.
 * CHROMIUM_PATH says where it is; without it the usual commands and places are looked at.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The path of an executable, or undefined. Throws when CHROMIUM_PATH names none. */
export function findChromium(
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { CHROMIUM_PATH: given, PATH: path = "" } = variables;
  if (given !== undefined && given !== "") {
    if (isExecutable(given)) return given;
    throw new Error(
      `CHROMIUM_PATH is ${given}, where there is no executable: correct or unset it.`,
    );
  }
  const directories = path.split(delimiter).filter((directory) => directory !== "");
  const found = COMMANDS.flatMap((command) =>
    directories.map((directory) => join(directory, command)),
  );
  return [...found, ...PLACES].find(isExecutable);
}

export const HOW_TO_INSTALL_CHROMIUM =
  "install it (`apt-get install chromium`, `brew install --cask chromium`) or set CHROMIUM_PATH";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
