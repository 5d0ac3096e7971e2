/**
 * Why a checkpoint fails, by Flink's names (CheckpointFailureReason), and whether it counts against the
 * failures a job tolerates (CheckpointFailureManager): only those that are the checkpoint's own fault.
 */
interface Reason {
  readonly message: string;
  /** Counts towards `tolerableFailures`. */
  readonly counts: boolean;
}

export const checkpointFailureReasons = {
  IO_EXCEPTION: {
    message: "An Exception occurred while triggering the checkpoint. IO-problem detected.",
    counts: true,
  },
  CHECKPOINT_ASYNC_EXCEPTION: {
    message: "Asynchronous task checkpoint failed.",
    counts: true,
  },
  CHECKPOINT_EXPIRED: { message: "Checkpoint expired before completing.", counts: true },
  FINALIZE_CHECKPOINT_FAILURE: { message: "Failure to finalize checkpoint.", counts: true },
  /** A task lost its memory: ordinary here, and its uploads are kept. */
  TASK_CHECKPOINT_FAILURE: { message: "Task local checkpoint failure.", counts: false },
  JOB_FAILOVER_REGION: { message: "FailoverRegion is restarting.", counts: false },
  CHECKPOINT_COORDINATOR_SHUTDOWN: { message: "CheckpointCoordinator shutdown.", counts: false },
} as const satisfies Readonly<Record<string, Reason>>;

export type CheckpointFailureReason = keyof typeof checkpointFailureReasons;

export function failureMessage(reason: CheckpointFailureReason, detail: string): string {
  return `${checkpointFailureReasons[reason].message} ${detail}`;
}
