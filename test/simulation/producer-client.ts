/**
 * A producer as the Worker acts on its behalf: it posts a request in segments and tries again, from the
 * segment that failed or from the beginning, until everything is in.
 */
import type { AppendAnswer } from "../../durable-objects/messages.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { isFaultOfTheWorld, type World } from "./world.ts";

export interface ProducerRequest {
  readonly producer: string;
  readonly source: number;
  readonly sequence: number;
  readonly lines: readonly string[];
}

/** Ends when the request is closed. */
export async function deliver(
  world: World,
  request: ProducerRequest,
  random: SeededRandom,
): Promise<void> {
  let from = 0;
  for (;;) {
    const isLast = random.chance(0.5);
    const upTo = isLast ? request.lines.length : random.between(from, request.lines.length);
    const next = await append(world, request, from, upTo);
    if (next === "closed") return;
    if (next === "failed") {
      await world.sleep(random.between(1, 200));
      // As the Worker, from the segment that failed; or as the client, from the beginning.
      if (random.chance(0.5)) from = 0;
    } else if (next === "later") {
      await world.sleep(1_000);
    } else {
      from = next;
    }
  }
}

/** The line to go on from, or what happened instead. */
async function append(
  world: World,
  request: ProducerRequest,
  from: number,
  upTo: number,
): Promise<number | "closed" | "failed" | "later"> {
  const last = upTo === request.lines.length;
  const lines = request.lines.slice(from, upTo);
  if (lines.length === 0 && !last) return from;
  let answer: AppendAnswer;
  try {
    answer = await world
      .outside(request.producer)
      .source(request.source)
      .append({
        producer: { id: request.producer, sequence: request.sequence },
        fromLine: from,
        lines: lines.length,
        bytes: new TextEncoder().encode(lines.join("\n")),
        last,
      });
  } catch (error) {
    if (isFaultOfTheWorld(error)) return "failed";
    throw error;
  }
  switch (answer.kind) {
    case "appended":
      return last ? "closed" : upTo;
    case "duplicate":
      return "closed";
    case "lineGap":
      return answer.linesIn;
    case "full":
    case "unavailable":
      return "later";
    case "sequenceGap":
      throw new Error(
        `${request.producer} sent sequence ${request.sequence} and was told to send ${answer.expectedSequence}.`,
      );
  }
}
