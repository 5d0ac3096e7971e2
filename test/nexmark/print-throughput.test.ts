/** `npm run bench -- nexmark` as a person types it: a row per query, with few events. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { queryFigures } from "../../bench/nexmark/figures.ts";
import { queryNames } from "../../bench/nexmark/query-names.ts";
import { runCommand } from "../support/child-command.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the benchmark prints every query with its events per second, beside Flink's published figure", async () => {
  const printed = await runCommand(
    root,
    `"${process.execPath}" bench/main.ts nexmark --events 100 --rounds 1`,
  );
  const [head, ...rows] = printed.trim().split("\n");
  expect(head).toMatch(/^query +Weir, events\/s per core +Flink, published$/);
  expect(rows.map((row) => row.split(" ")[0])).toEqual(queryNames);
  for (const [index, query] of queryNames.entries()) {
    const { flinkEventsPerSecondPerCore: published, title } = queryFigures[query];
    const figures = rows[index]!.slice(query.length).trim().slice(title.length).trim().split(/ +/);
    expect(figures).toEqual([
      expect.stringMatching(/^[1-9][\d,]*$/),
      published?.toLocaleString("en") ?? "–",
    ]);
  }
});
