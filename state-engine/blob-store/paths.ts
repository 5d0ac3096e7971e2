/**
 * The rule for object paths, and where a checkpoint's manifest is.
 */
import { StateEngineError } from "../errors.ts";

const MAXIMUM_PATH_BYTES = 1024;

/** Throws StateEngineError "invalid" for a path a blob store does not take. */
export function assertBlobPath(path: string): void {
  const isValid =
    path.length >= 1 &&
    path.length <= MAXIMUM_PATH_BYTES &&
    /^[A-Za-z0-9._/-]+$/.test(path) &&
    path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
  if (isValid) return;
  throw new StateEngineError(
    "invalid",
    `"${path.slice(0, 80)}" is no blob path: use 1 to ${MAXIMUM_PATH_BYTES} of A-Z a-z 0-9 . _ - and single / between segments.`,
  );
}
