/**
 * The path of an object a partition writes. Never used twice: generation and checkpoint say when it
 * was written, the id makes it unique [4]. The prefix, given by attach, names the task.
 */
import type { Attached } from "./attach.ts";

export interface UploadName {
  readonly attached: Pick<Attached, "generation" | "pathPrefix">;
  /** The newest checkpoint whose barrier has come: what is written belongs to it or to the one after. */
  readonly checkpoint: number;
  readonly id: string;
  /** Of tables, of results, or of in-flight frames. */
  readonly extension: "sst" | "ndjson" | "frames";
}

export function uploadPath({ attached, checkpoint, id, extension }: UploadName): string {
  const generation = String(attached.generation).padStart(6, "0");
  const number = String(checkpoint).padStart(9, "0");
  return `${attached.pathPrefix}g${generation}-c${number}-${id}.${extension}`;
}
