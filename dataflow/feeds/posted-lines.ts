/** The lines that clients POST to a job or send over a WebSocket: what a job without from() reads. */
import type { PostedLines } from "./feed.ts";

export function postedLines(): PostedLines {
  return { kind: "postedLines", name: "posted" };
}
