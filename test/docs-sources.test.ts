/** The examples of docs/sources.md build what the page says. */
import { writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { feedsOf } from "../dataflow/feeds/feed.ts";
import { generator, job, poll, postedLines, queueMessages } from "../dataflow/index.ts";
import type { BuiltStream } from "../dataflow/index.ts";
import { codeBlocksOf } from "./support/code-blocks.ts";
import { temporaryDirectory } from "./support/runtime.ts";

test("the job of docs/sources.md reads the objects it names", async () => {
  const [block] = codeBlocksOf("docs/sources.md").filter(({ language }) => language === "ts");
  const weir = new URL("../dataflow/index.ts", import.meta.url).href;
  const code = stripTypeScriptTypes(block!.text).replace('"weir"', JSON.stringify(weir));
  const file = join(temporaryDirectory(), "archive.mjs");
  writeFileSync(file, code);
  const { archive } = (await import(pathToFileURL(file).href)) as { archive: BuiltStream };
  expect(archive.describe().nodes[0]!.feeds).toEqual([
    {
      kind: "r2Objects",
      name: "objects",
      prefix: "logs/2026/",
      bucket: "BUCKET",
      onBroken: "fail",
    },
  ]);
});

test("a job may have several feeds besides posted lines, each with a name of its own", () => {
  const made = generator({ create: String });
  const asked = poll({ everyMs: 60_000, request: "https://example.com/lines" });
  const built = job("all")
    .from(postedLines(), made, asked, queueMessages({ queue: "orders" }))
    .lines()
    .keyBy((line) => line)
    .count("counts");
  expect(feedsOf(built.graph).map(({ name }) => name)).toEqual([
    "posted",
    "generator",
    "poll",
    "queue/orders",
  ]);
  expect(() => job("twice").from(made, made)).toThrow(/two feeds named "generator"/);
  expect(() => poll({ everyMs: 5, request: "https://example.com" })).toThrow(/from 1000/);
  expect(() => generator({ create: String, ratePerSecond: 0 })).toThrow(/above 0/);
});
