/**
 * Tells what the world does wrong (storage that does not answer: tried again) from our own bugs.
 */
import { StateEngineError } from "../../state-engine/index.ts";

export function isUnavailable(error: unknown): boolean {
  return error instanceof StateEngineError && error.kind === "unavailable";
}
