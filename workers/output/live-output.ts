/**
 * Commits as server-sent events, as they happen: `event: committed` with the checkpoint and its number
 * of records, `id` being the checkpoint, so that a browser that reconnects goes on where it was.
 *
 * The coordinator stays in memory while somebody listens, and is let go when they leave.
 */
import type { CoordinatorQueries } from "../../durable-objects/coordinator-queries.ts";

type Coordinator = Pick<CoordinatorQueries, "awaitCommits">;

/** One call to the coordinator waits this long; a comment then shows the client that we are there. */
const waitMs = 20_000;

export function liveOutput(coordinator: Coordinator, after: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let newest = after;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(": connected\n\n"));
    },
    async pull(controller) {
      const commits = await coordinator.awaitCommits({ after: newest, waitMs });
      const events = commits.map(({ checkpoint, committedAt, records }) => {
        newest = Math.max(newest, checkpoint);
        const data = JSON.stringify({ checkpoint, records, committedAt });
        return `event: committed\nid: ${checkpoint}\ndata: ${data}\n\n`;
      });
      controller.enqueue(encoder.encode(events.length > 0 ? events.join("") : ": waiting\n\n"));
    },
  });
}
