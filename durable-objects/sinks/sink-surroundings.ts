/** What every sink is given besides its definition. */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import type { SinkCommit } from "../coordinator/commits.ts";
import type { OutsideWorld } from "./outside-world.ts";
import { RecordCursor, type OutputPlace } from "./record-cursor.ts";

export interface SinkSurroundings {
  readonly world: OutsideWorld;
  /** Where committed output is that is too large for the coordinator's storage. */
  readonly blobStore: BlobStore;
  readonly environment: Environment;
}

/** The records of a commit of `sink`, from a place on; reads of objects are counted. */
export function recordsOf(
  commit: SinkCommit,
  { blobStore }: SinkSurroundings,
  { from, sink }: { readonly sink: string; readonly from: OutputPlace | undefined },
): RecordCursor {
  const onRead = () => commit.count({ classB: 1 });
  return new RecordCursor({ sink, output: commit.output, blobStore, from, onRead });
}
