/**
 * The R2 buckets that wrangler.toml binds, so that a run on this machine has the ones a deploy has.
 *
 * Limit: what an environment of wrangler.toml (`[env.…]`) binds is not looked at: `npm start` runs none.
 */
import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";

/** Names of buckets by their binding. */
export async function bucketsOfWrangler(): Promise<Readonly<Record<string, string>>> {
  return bucketsIn(await readFile(new URL("../wrangler.toml", import.meta.url), "utf8"));
}

/** Pure. Throws when `toml` is no TOML, with the place, and when a bucket has no binding or no bucket_name. */
export function bucketsIn(toml: string): Readonly<Record<string, string>> {
  const { r2_buckets: buckets = [] } = parsed(toml);
  if (!Array.isArray(buckets)) {
    throw new Error(
      "r2_buckets of wrangler.toml is no list: write [[r2_buckets]] before each bucket.",
    );
  }
  return Object.fromEntries(
    buckets.map((bucket: unknown) => [textOf(bucket, "binding"), textOf(bucket, "bucket_name")]),
  );
}

function parsed(toml: string): Readonly<Record<string, unknown>> {
  try {
    return parse(toml);
  } catch (cause) {
    throw new Error(`wrangler.toml is no TOML: ${(cause as Error).message}`, { cause });
  }
}

function textOf(bucket: unknown, key: string): string {
  const value = (bucket as Readonly<Record<string, unknown>>)[key];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`An [[r2_buckets]] of wrangler.toml has no line ${key} = "…": add it.`);
}
