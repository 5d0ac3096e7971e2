/** docs/sinks.md: its job is built, and the Worker deploys with the bindings it says. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { BuiltStream } from "../../dataflow/job.ts";
import { commandOf, runCommand } from "../support/child-command.ts";
import { codeBlocksOf } from "../support/code-blocks.ts";
import { temporaryDirectory } from "../support/runtime.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const blocks = codeBlocksOf("docs/sinks.md");

function blockOf(language: string): string {
  return blocks.find((block) => block.language === language)!.text;
}

test("the page's job has four sinks, and the page binds what they need", async () => {
  const file = join(temporaryDirectory(), "orders.ts");
  const weir = pathToFileURL(join(root, "dataflow/index.ts")).href;
  writeFileSync(file, blockOf("ts").replace('from "weir"', `from "${weir}"`));
  const { ordersJob } = (await import(pathToFileURL(file).href)) as { ordersJob: BuiltStream };
  const sinks = ordersJob.describe().nodes.flatMap(({ sink }) => sink ?? []);
  expect(sinks.map(({ kind, name }) => [kind, name])).toEqual([
    ["r2Files", "archive"],
    ["webhook", "alert"],
    ["queue", "counts"],
    ["weirJob", "to-billing"],
  ]);
  const bound = [...blockOf("toml").matchAll(/^binding = "(\w+)"$/gm)].map(([, name]) => name);
  const needed = sinks.flatMap(({ target }) =>
    "bucket" in target ? target.bucket : "queue" in target ? target.queue : [],
  );
  expect(bound).toEqual(needed);
});

test("wrangler accepts the page's bindings beside Weir's own", async () => {
  const directory = temporaryDirectory();
  const config = join(directory, "wrangler.toml");
  const own = readFileSync(join(root, "wrangler.toml"), "utf8");
  const main = JSON.stringify(join(root, "workers/main.ts"));
  writeFileSync(config, `${own.replace(/^main = .*$/m, `main = ${main}`)}\n${blockOf("toml")}`);
  const wrangler = commandOf("wrangler", "bin/wrangler.js");
  const printed = await runCommand(
    directory,
    `${wrangler} deploy --dry-run --config wrangler.toml --outdir dist`,
  );
  expect(printed).toContain("env.FILES");
  expect(printed).toContain("env.COUNTS");
});
