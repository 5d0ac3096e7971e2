/**
 * Tells one source after a restore that its channel must be opened anew, until the source has heard
 * it. Its answer says how far the channel was before, which live reads wait for [20].
 */
import type { ObjectContext } from "../object-context.ts";
import type { Fence, Position, TaskId } from "../messages.ts";
import { delay } from "./signal.ts";

export interface Rewind {
  readonly context: ObjectContext;
  readonly task: TaskId;
  readonly source: number;
  /** Of this attempt; undefined when it is over. */
  readonly fence: () => Fence | undefined;
  readonly rewound: (furthest: Position) => void;
  /** The source acts in a newer generation. */
  readonly overtaken: (generation: number) => void;
  readonly countRequest: () => void;
}

const SHORTEST_RETRY_MS = 200;
/** Below the ten seconds after which a silent source loses its memory: or each call would wake it anew, for ever. */
const LONGEST_RETRY_MS = 5_000;

/** Does not reject. */
export async function rewindSource(rewind: Rewind): Promise<void> {
  const { context, task, source } = rewind;
  let retryMs = SHORTEST_RETRY_MS;
  for (;;) {
    const fence = rewind.fence();
    if (fence === undefined) return;
    rewind.countRequest();
    try {
      const answer = await context.peers.source(source).rewind({ ...fence, task });
      if (rewind.fence() === undefined) return;
      if (answer.kind === "rewound") return rewind.rewound(answer.furthest);
      if (answer.kind === "staleGeneration") return rewind.overtaken(answer.generation);
      retryMs = Math.max(retryMs, answer.retryAfterMs);
    } catch {
      // A lost call: the source asks by itself too (openChannel), so this one is simply repeated.
    }
    await delay(context, retryMs);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }
}
