/**
 * Counter increments in workerd: the engine's merge operands against upserts in the SQLite of a Durable
 * Object, batched in transactions. Both in one object, timed inside, by turns.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { median } from "../median.ts";
import { atLeast } from "./bars.ts";
import type { PartReport } from "./report.ts";

interface Answer {
  readonly milliseconds: number;
  /** The first counter afterwards. */
  readonly count: number;
}

export async function measureCounterUpserts(options: {
  readonly rounds: number;
  readonly scale: number;
}): Promise<PartReport> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("sqlite-counters-worker.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    external: ["cloudflare:*", "node:*"],
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "counters",
      modules: [{ type: "ESModule", path: "worker.js", contents: outputFiles[0]!.text }],
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["nodejs_compat"],
      durableObjects: { COUNTERS: { className: "Counters", useSQLite: true } },
    }),
  );
  try {
    const url = await miniflare.ready;
    const run = async (side: string): Promise<Answer> => {
      const response = await fetch(new URL(`/${side}?scale=${options.scale}`, url));
      if (response.status !== 200) throw new Error(await response.text());
      return (await response.json()) as Answer;
    };
    const weir: number[] = [];
    const sqlite: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const theirs = await run("sqlite");
      const ours = await run("weir");
      if (theirs.count !== ours.count) throw new Error(`${theirs.count} is not ${ours.count}.`);
      sqlite.push(theirs.milliseconds);
      weir.push(ours.milliseconds);
    }
    const ratios = sqlite.map((milliseconds, round) => milliseconds / weir[round]!);
    const spentOn = "Almost all goes into the index of keys of the memtable.";
    return {
      text: `\nCounter increments in workerd: SQLite upserts ${median(sqlite).toFixed(0)} ms, Weir ${median(weir).toFixed(0)} ms`,
      bars: [atLeast("counter increments against SQLite in workerd: wall", ratios, 5, spentOn)],
    };
  } finally {
    await miniflare.dispose();
  }
}
