/**
 * Who may call what. With WEIR_TOKEN set each call needs it as a bearer token; WEIR_INGEST_TOKEN
 * allows posting lines, WEIR_READ_TOKEN reading. Without any token a Worker refuses everything,
 * unless the start script declared the run local with WEIR_ACCESS=open.
 *
 * Promise: tokens are compared in constant time, by their SHA-256 digests.
 */
import type { MiddlewareHandler } from "hono";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { ProblemError } from "./problem.ts";
import type { WeirHono } from "./routing.ts";

/** Static, or asked by machines that hold no token. */
const openPaths: ReadonlySet<string> = new Set(["/", "/healthz"]);

export const requireAccess: MiddlewareHandler<WeirHono> = async (context, next) => {
  const { env, req } = context;
  if (!openPaths.has(req.path) && env.WEIR_ACCESS !== "open") {
    const tokens = tokensFor(neededAccess(req.method, req.path), env);
    if (tokens === "none set") throw new ProblemError(nothingSet);
    if (!(await isOneOf(tokens, bearerOf(req.header("Authorization"))))) {
      throw new ProblemError(refused);
    }
  }
  await next();
};

type NeededAccess = "ingest" | "read" | "full";

/** Pure: the narrowest token that is enough for a call. */
export function neededAccess(method: string, path: string): NeededAccess {
  if (/^\/jobs\/[^/]+\/lines$/.test(path)) return "ingest";
  return method === "GET" || method === "HEAD" ? "read" : "full";
}

function tokensFor(access: NeededAccess, bindings: WeirBindings): readonly string[] | "none set" {
  const { WEIR_TOKEN: full, WEIR_INGEST_TOKEN: ingest, WEIR_READ_TOKEN: read } = bindings;
  if (!full && !ingest && !read) return "none set";
  const narrow = access === "ingest" ? ingest : access === "read" ? read : undefined;
  return [full, narrow].filter((token) => token !== undefined && token !== "") as string[];
}

function bearerOf(header: string | undefined): string {
  return /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1] ?? "";
}

async function isOneOf(tokens: readonly string[], given: string): Promise<boolean> {
  const givenDigest = await digest(given);
  let matches = false;
  for (const token of tokens) {
    // No early end: which token matched must not show in the time taken.
    matches = crypto.subtle.timingSafeEqual(await digest(token), givenDigest) || matches;
  }
  return matches;
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

const nothingSet = {
  status: 503,
  title: "No token set",
  detail:
    "This Worker has no access token and refuses every call: set one with `wrangler secret put WEIR_TOKEN`.",
};

const refused = {
  status: 401,
  title: "Token missing or wrong",
  detail: "Send `Authorization: Bearer` with a token that allows this call.",
};
