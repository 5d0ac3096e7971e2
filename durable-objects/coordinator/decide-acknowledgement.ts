/**
 * What an acknowledgement counts for [3, 10, 22, 37]. Pure.
 *
 * Whatever the answer is, the objects it names are the coordinator's from now on: "refused" and
 * "restore" say how they are registered, so that nothing a late task wrote is leaked.
 */
import type { Acknowledgement } from "../messages.ts";
import { namedObjects, outputObjects } from "./output-segments.ts";

export interface AcknowledgementFacts {
  readonly generation: number;
  /** The attempt given by the task's latest attach; 0 when it never attached. */
  readonly attempt: number;
  readonly pending?: { readonly id: number; readonly base: number };
  /** This attempt's acknowledgement of the pending checkpoint is already written. */
  readonly alreadyWritten: boolean;
  readonly completed: number;
  /** Of the objects that hold listed tables: those registered and not dead. */
  readonly liveObjects: ReadonlySet<string>;
  /** Of the objects that hold listed tables: those marked for deletion. */
  readonly deadObjects: ReadonlySet<string>;
}

export type AcknowledgementDecision =
  | { readonly kind: "accepted"; readonly write: boolean }
  /** The task may list the uploads again in a later checkpoint. */
  | { readonly kind: "refused" }
  /** The state that wrote the uploads belongs to the past: they are deleted at once, and whoever still holds it must not go on with it. */
  | { readonly kind: "restore" };

export function decideAcknowledgement(
  acknowledgement: Acknowledgement,
  facts: AcknowledgementFacts,
): AcknowledgementDecision {
  const { generation, attempt, checkpoint, base } = acknowledgement;
  if (generation !== facts.generation) return { kind: "restore" };
  // A call to attach that was delivered twice gave out an attempt that nobody has heard of: the task
  // must attach anew, or none of its acknowledgements would ever count.
  if (attempt !== facts.attempt) return { kind: "restore" };
  const isPending = facts.pending?.id === checkpoint && facts.pending.base === base;
  // The answer to an acknowledgement that counted was lost.
  if (checkpoint === facts.completed || (isPending && facts.alreadyWritten)) {
    return { kind: "accepted", write: false };
  }
  if (!isPending) return { kind: "refused" };
  return namesOnlyLiveObjects(acknowledgement, facts)
    ? { kind: "accepted", write: true }
    : { kind: "restore" };
}

/** Paths of the objects an acknowledgement's tables and output live in; inline ones have none. */
export function listedObjects(acknowledgement: Acknowledgement): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const table of acknowledgement.state?.tables ?? []) {
    if (table.inline === undefined) paths.add(table.path);
  }
  const inFlight = acknowledgement.state?.inFlight?.data;
  if (inFlight !== undefined && "path" in inFlight) paths.add(inFlight.path);
  for (const { path } of outputObjects(acknowledgement.output)) paths.add(path);
  return paths;
}

function namesOnlyLiveObjects(
  acknowledgement: Acknowledgement,
  facts: AcknowledgementFacts,
): boolean {
  const uploaded = new Set(namedObjects(acknowledgement).map((upload) => upload.path));
  for (const path of listedObjects(acknowledgement)) {
    if (facts.deadObjects.has(path)) return false;
    if (!facts.liveObjects.has(path) && !uploaded.has(path)) return false;
  }
  return true;
}
