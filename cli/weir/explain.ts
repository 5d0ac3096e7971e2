/** What went wrong, as one sentence for a person. */
import { WeirRequestError } from "../weir-client.ts";

export function explain(error: unknown, url: string): string {
  if (error instanceof WeirRequestError) return error.message;
  // fetch reports every failure of the connection this way.
  if (error instanceof TypeError && error.message === "fetch failed") {
    return `Nothing answers at ${url}. Start Weir with \`npx weir dev\`, or name another place with --url.`;
  }
  return error instanceof Error ? error.message : String(error);
}
