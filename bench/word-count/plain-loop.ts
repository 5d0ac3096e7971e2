/** The plain loop of plain-loop-worker.ts in a workerd of its own, loaded with the text to count. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

export class PlainLoop {
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare) {
    this.#miniflare = miniflare;
  }

  static async start(bodies: readonly Uint8Array[]): Promise<PlainLoop> {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("plain-loop-worker.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
    });
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        name: "plain-loop",
        modules: [{ type: "ESModule", path: "worker.js", contents: outputFiles[0]!.text }],
        compatibilityDate: "2026-10-01",
      }),
    );
    const url = await miniflare.ready;
    for (const body of bodies) {
      await fetch(url, { method: "POST", body: body as Uint8Array<ArrayBuffer> });
    }
    return new PlainLoop(miniflare);
  }

  /** Counts everything once; milliseconds of the loop alone. Throws when it counted another number of words. */
  async count(words: number): Promise<number> {
    const response = await fetch(new URL("/count", await this.#miniflare.ready), {
      method: "POST",
    });
    const result = (await response.json()) as { milliseconds: number; words: number };
    if (result.words !== words) throw new Error(`The plain loop counted ${result.words} words.`);
    return result.milliseconds;
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}
