/**
 * The Worker as one module, as `wrangler deploy` would bundle it. The hash of the text stands for the
 * version of the code: tasks of different versions are never mixed.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface WorkerBundle {
  readonly code: string;
  /** 16 hexadecimal digits. */
  readonly hash: string;
}

export async function bundleWorker(module: URL): Promise<WorkerBundle> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(module)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    keepNames: true,
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "error",
  });
  const code = outputFiles[0]!.text;
  return { code, hash: createHash("sha256").update(code).digest("hex").slice(0, 16) };
}
