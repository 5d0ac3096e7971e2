/**
 * The R2 buckets that wrangler.toml binds, so that a run on this machine has the ones a deploy has.
 *
 * Limit: reads `[[r2_buckets]]` tables with a key a line, as this repository writes them, and no other
 * form of TOML.
 */
import { readFile } from "node:fs/promises";

/** Names of buckets by their binding. */
export async function bucketsOfWrangler(): Promise<Readonly<Record<string, string>>> {
  return bucketsIn(await readFile(new URL("../wrangler.toml", import.meta.url), "utf8"));
}

/** Pure. Throws when a table has no binding or no bucket_name. */
export function bucketsIn(toml: string): Readonly<Record<string, string>> {
  const tables = toml.split(/^(?=\s*\[)/m).filter((table) => /^\s*\[\[r2_buckets\]\]/.test(table));
  return Object.fromEntries(
    tables.map((table) => [textOf(table, "binding"), textOf(table, "bucket_name")]),
  );
}

function textOf(table: string, key: string): string {
  const text = new RegExp(`^\\s*${key}\\s*=\\s*(["'])(.+?)\\1`, "m").exec(table)?.[2];
  if (text !== undefined) return text;
  throw new Error(`An [[r2_buckets]] of wrangler.toml has no line ${key} = "…": add it.`);
}
