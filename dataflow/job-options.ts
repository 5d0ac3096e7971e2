/**
 * What a job can be told: the options of a job, complete and checked (options.ts does both). Names and
 * meaning follow Flink's configuration; where a default differs, options.ts says so.
 */

export interface JobOptions {
  /** Partitions of every keyed vertex. 1 to maxParallelism. */
  readonly parallelism: number;
  /** Key groups, for ever (fixed while the job has state). 1 to 32,768. */
  readonly maxParallelism: number;
  /** Source objects (fixed while the job has state or a log) [12]. */
  readonly sources: number;
  /** Bytes of log one source keeps before it answers 429. */
  readonly logLimitBytes: number;
  readonly checkpoint: CheckpointOptions;
  readonly restart: RestartOptions;
  readonly output: OutputOptions;
  /** null: a record whose function throws again and again ends the job FAILED. */
  readonly deadLetter: DeadLetterOptions | null;
}

export interface CheckpointOptions {
  /** 0: only on request. */
  readonly intervalMs: number;
  /**
   * The interval while a source is far behind its input; 0: none meanwhile, but for a log half full and
   * on request. At least intervalMs otherwise; null: the same.
   */
  readonly intervalDuringBacklogMs: number | null;
  readonly mode: "incremental" | "full";
  /** "at-least-once": no channel waits for another's barrier, and a restore may apply records twice. */
  readonly guarantee: "exactly-once" | "at-least-once";
  /** Barriers may overtake frames under back-pressure, which then travel in the checkpoint; null: never. Needs "exactly-once". */
  readonly unaligned: UnalignedOptions | null;
  /** From the end of a completed checkpoint to the next trigger; not for requested ones or a log half full. */
  readonly minPauseMs: number;
  /** A checkpoint that is not complete after this long is given up. */
  readonly timeoutMs: number;
  /** Completed checkpoints kept. At least 1. */
  readonly retained: number;
  /** Consecutive failed checkpoints before the job restarts; 0: the first one does. */
  readonly tolerableFailures: number;
  /** No checkpoint begins while the objects of more old checkpoints than this are still being deleted. */
  readonly cleanupLimit: number;
  /** What becomes of the checkpoints when the job is cancelled; a job that fails keeps them either way. */
  readonly onCancellation: "retain" | "delete";
  /**
   * R2 binding (`[[r2_buckets]]` of wrangler.toml) of the bucket for every object of the job. Fixed, like
   * storagePrefix, while the job has state or a log [12].
   */
  readonly bucket: string;
  /** Prefix of every object of the job in the bucket; "" or ends with "/". */
  readonly storagePrefix: string;
}

/** Flink's unaligned checkpoints; a final checkpoint and a savepoint are always aligned. */
export interface UnalignedOptions {
  /** How long a barrier waits its turn behind frames before it overtakes them; 0: not at all. */
  readonly alignmentTimeoutMs: number;
}

/** What happens after a failure: Flink's restart strategies and their parameters. */
export type RestartOptions =
  | ExponentialDelayRestart
  | FixedDelayRestart
  | FailureRateRestart
  | { readonly strategy: "none" };

export interface ExponentialDelayRestart {
  readonly strategy: "exponential-delay";
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** Share of the delay by which it varies up or down, 0 to 1. */
  readonly jitterFactor: number;
  /** A job that ran this long without failing starts over at initialBackoffMs. */
  readonly resetBackoffThresholdMs: number;
  /** Failures in a row at one record, or restarts in a row without a completed checkpoint, before the job ends FAILED. */
  readonly attempts: number;
}

export interface FixedDelayRestart {
  readonly strategy: "fixed-delay";
  /** Restarts in the whole life of a start before the job ends FAILED. */
  readonly attempts: number;
  readonly delayMs: number;
}

export interface FailureRateRestart {
  readonly strategy: "failure-rate";
  /** One failure more than this within the interval ends the job FAILED. */
  readonly maxFailuresPerInterval: number;
  readonly failureRateIntervalMs: number;
  readonly delayMs: number;
}

export interface OutputOptions {
  /** How long committed output can be read; what is older is deleted. */
  readonly retainMs: number;
  /** Checkpoints that an external sink has not committed yet before no new one begins [36]. */
  readonly uncommittedLimit: number;
}

/**
 * Records whose function throws are given up after some attempts, line by line: the line is in no state
 * of the generation that gives it up and of all later ones, and in this output instead [42].
 */
export interface DeadLetterOptions {
  /** Name of the output that gets them: each a DeadLetter (dead-letter.ts). */
  readonly output: string;
  /** Failures at one line before it is given up; 1: the first one. They are no restarts for the restart strategy. */
  readonly attempts: number;
}
