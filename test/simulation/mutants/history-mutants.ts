/** Breakages that show in committed output, in what a task restores, and in starts from older checkpoints. */
import { CoordinatorRows } from "../../../durable-objects/coordinator/rows.ts";
import type { Acknowledgement, CheckpointCompleted } from "../../../durable-objects/messages.ts";
import { PartitionOutput } from "../../../durable-objects/partition/output.ts";
import { asked, coordinatorForgets, KEEPS_ITS_MEMORY, replacing } from "./breakages.ts";
import type { Mutant } from "./mutant.ts";
import {
  ABORTED_CHECKPOINTS,
  CRASHES_AND_SINKS,
  LOST_COMPLETIONS,
  REPOSITIONS_AND_CRASHES,
  STARTS_FROM_OLDER,
} from "./worlds.ts";

export const HISTORY_MUTANTS: readonly Mutant[] = [
  {
    name: "keeps in memory what it had when it restores",
    rule: 6,
    world: REPOSITIONS_AND_CRASHES,
    ...KEEPS_ITS_MEMORY,
  },
  {
    name: "drops the results of a checkpoint that was given up",
    rule: 7,
    world: ABORTED_CHECKPOINTS,
    ...replacing(PartitionOutput.prototype, "intervals", (original, _self, [, checkpoint]) =>
      original((Number(checkpoint) - 1) as never, checkpoint!),
    ),
  },
  {
    name: "forgets what sinks have to commit",
    rule: 19,
    world: CRASHES_AND_SINKS,
    ...coordinatorForgets("DELETE FROM sink_commit"),
  },
  {
    name: "truncates the log at the latest checkpoint, though an older one is retained",
    rule: 18,
    world: STARTS_FROM_OLDER,
    ...asked("source", "completeCheckpoint", (request: CheckpointCompleted) => ({
      ...request,
      truncateBefore: request.offset,
    })),
  },
  {
    name: "commits all results of a partition, whatever the base",
    rule: 7,
    world: LOST_COMPLETIONS,
    kind: "coordinator",
    patch: () => {
      const breakages = [
        replacing(PartitionOutput.prototype, "intervals", (original, _self, [, checkpoint]) =>
          original(0 as never, checkpoint!),
        ),
        replacing(PartitionOutput.prototype, "complete", () => undefined),
        replacing(CoordinatorRows.prototype, "writeAcknowledgement", (original, _self, given) => {
          const [acknowledgement, at] = given as unknown as [Acknowledgement, number];
          return original({ ...acknowledgement, base: 0 } as never, at as never);
        }),
      ];
      const undo = breakages.map(({ patch }) => patch!());
      return () => undo.toReversed().forEach((one) => one());
    },
  },
];
