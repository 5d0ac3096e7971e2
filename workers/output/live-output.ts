/**
 * Output as server-sent events, as it happens: `event: result` with each result as it is computed, not
 * committed yet, and `event: committed` with the checkpoint and its number of records, `id` being the
 * checkpoint, so that a browser that reconnects goes on where it was. `event: skipped` says how many
 * results were computed faster than they could be shown.
 *
 * The coordinator and the partitions with an output stay in memory while somebody listens, and are let
 * go when they leave.
 */
import type { CoordinatorQueries } from "../../durable-objects/coordinator-queries.ts";
import type { PartitionCalls } from "../../durable-objects/messages.ts";

type Coordinator = Pick<CoordinatorQueries, "awaitCommits">;
type Partition = Pick<PartitionCalls, "awaitResults">;

/** One call waits this long; a comment then shows the client that we are there. */
const waitMs = 20_000;
/** Before asking a partition again that did not answer. */
const retryMs = 1_000;

const connected = ": connected\n\n";
const waiting = ": waiting\n\n";

export function liveOutput(
  coordinator: Coordinator,
  partitions: readonly Partition[],
  after: number,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const parts = [commits(coordinator, after), ...partitions.map(results)];
  // The next events of each part, whichever come first.
  const coming = new Map<
    AsyncIterator<string>,
    Promise<readonly [AsyncIterator<string>, string]>
  >();
  const ask = (part: AsyncIterator<string>): void => {
    coming.set(
      part,
      part.next().then(({ value }) => [part, value as string] as const),
    );
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(connected));
      parts.forEach(ask);
    },
    async pull(controller) {
      for (;;) {
        const [part, events] = await Promise.race(coming.values());
        ask(part);
        if (events === "") continue;
        controller.enqueue(encoder.encode(events));
        return;
      }
    },
  });
}

async function* commits(coordinator: Coordinator, after: number): AsyncGenerator<string> {
  for (let newest = after; ;) {
    const found = await coordinator.awaitCommits({ after: newest, waitMs });
    const events = found.map(({ checkpoint, committedAt, records }) => {
      newest = Math.max(newest, checkpoint);
      const data = JSON.stringify({ checkpoint, records, committedAt });
      return `event: committed\nid: ${checkpoint}\ndata: ${data}\n\n`;
    });
    yield events.length > 0 ? events.join("") : waiting;
  }
}

/** A partition that lost its memory, or is replaced, is asked again: its next results come from a new one. */
async function* results(partition: Partition): AsyncGenerator<string> {
  for (let after: string | undefined; ;) {
    const answer = await partition
      .awaitResults({ ...(after !== undefined && { after }), waitMs })
      .catch(() => undefined);
    if (answer === undefined) {
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      continue;
    }
    after = answer.next;
    const skipped = answer.skipped > 0 ? [`event: skipped\ndata: ${answer.skipped}\n\n`] : [];
    const events = answer.results.map((result) => `event: result\ndata: ${result}\n\n`);
    yield [...skipped, ...events].join("");
  }
}
