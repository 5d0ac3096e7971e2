/**
 * Fills in and checks what a user writes as options of a job. Done once, when the job is built, so
 * that everything behind a JobGraph may rely on its ranges.
 *
 * Promise: either a complete JobOptions, or an error that names the option and says what to write.
 */
import type { DeadLetterOptions, JobOptions, RestartOptions } from "./job-options.ts";

/** JobOptions as a user writes them: everything may be left out. */
export type JobOptionsInput = Partial<
  Omit<JobOptions, "checkpoint" | "restart" | "output" | "deadLetter">
> & {
  readonly checkpoint?: Partial<JobOptions["checkpoint"]>;
  /** Without a strategy: exponential-delay. */
  readonly restart?: RestartOptionsInput;
  readonly output?: Partial<JobOptions["output"]>;
  /** `{}` for the defaults: the output "failed", 3 attempts. */
  readonly deadLetter?: Partial<DeadLetterOptions> | null;
};

type RestartOptionsInput = Partial<RestartOptions>;

const dayMs = 86_400_000;

const defaultRestart = {
  strategy: "exponential-delay",
  initialBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  backoffMultiplier: 1.5,
  jitterFactor: 0.1,
  resetBackoffThresholdMs: 3_600_000,
  // Flink's default is to go on for ever; a record that keeps failing should be seen.
  attempts: 10,
} as const satisfies RestartOptions;

const restartDefaults: { readonly [Name in RestartOptions["strategy"]]: RestartOptions } = {
  "exponential-delay": defaultRestart,
  "fixed-delay": { strategy: "fixed-delay", attempts: 1, delayMs: 1_000 },
  "failure-rate": {
    strategy: "failure-rate",
    maxFailuresPerInterval: 1,
    failureRateIntervalMs: 60_000,
    delayMs: 1_000,
  },
  none: { strategy: "none" },
};

const defaultDeadLetter: DeadLetterOptions = { output: "failed", attempts: 3 };

export const defaultJobOptions = {
  parallelism: 4,
  maxParallelism: 128,
  sources: 1,
  logLimitBytes: 256 * 1024 * 1024,
  checkpoint: {
    intervalMs: 10_000,
    intervalDuringBacklogMs: null,
    mode: "incremental",
    guarantee: "exactly-once",
    unaligned: null,
    minPauseMs: 0,
    timeoutMs: 600_000,
    retained: 1,
    tolerableFailures: 0,
    // Flink's is its number of concurrent checkpoints, 1: here one delete that has to be repeated would hold the next up.
    cleanupLimit: 10,
    onCancellation: "retain",
    bucket: "BUCKET",
    storagePrefix: "",
  },
  restart: defaultRestart,
  output: { retainMs: 7 * dayMs, uncommittedLimit: 100 },
  deadLetter: null,
} satisfies JobOptions;

/** Completes `input` with the defaults. Throws RangeError or TypeError naming the first option that is wrong. */
export function resolveJobOptions(job: string, input: JobOptionsInput): JobOptions {
  const check = new OptionCheck(job);
  check.names("", input, defaultJobOptions);
  check.names("checkpoint.", input.checkpoint ?? {}, defaultJobOptions.checkpoint);
  check.names("output.", input.output ?? {}, defaultJobOptions.output);
  const options: JobOptions = {
    ...defaultJobOptions,
    ...input,
    checkpoint: { ...defaultJobOptions.checkpoint, ...input.checkpoint },
    restart: resolveRestart(check, input.restart ?? {}),
    output: { ...defaultJobOptions.output, ...input.output },
    deadLetter: resolveDeadLetter(check, input.deadLetter ?? null),
  };
  check.integer("maxParallelism", options.maxParallelism, 1, 32_768);
  check.integer("parallelism", options.parallelism, 1, options.maxParallelism);
  check.integer("sources", options.sources, 1, 1_024);
  check.integer("logLimitBytes", options.logLimitBytes, 4 * 1024 * 1024, 8 * 1024 ** 3);
  check.integer("output.retainMs", options.output.retainMs, 60_000, 3_650 * dayMs);
  check.integer("output.uncommittedLimit", options.output.uncommittedLimit, 1, 100_000);
  checkCheckpoint(check, options.checkpoint);
  return options;
}

function resolveDeadLetter(
  check: OptionCheck,
  input: Partial<DeadLetterOptions> | null,
): DeadLetterOptions | null {
  if (input === null) return null;
  check.names("deadLetter.", input, defaultDeadLetter);
  const deadLetter = { ...defaultDeadLetter, ...input };
  check.name("deadLetter.output", deadLetter.output);
  check.integer("deadLetter.attempts", deadLetter.attempts, 1, 1_000_000);
  return deadLetter;
}

function checkCheckpoint(check: OptionCheck, options: JobOptions["checkpoint"]): void {
  const { intervalDuringBacklogMs, intervalMs } = options;
  check.integer("checkpoint.intervalMs", intervalMs, 0, dayMs);
  if (intervalDuringBacklogMs !== null && intervalDuringBacklogMs !== 0) {
    check.integer("checkpoint.intervalDuringBacklogMs", intervalDuringBacklogMs, intervalMs, dayMs);
  }
  check.oneOf("checkpoint.mode", options.mode, ["incremental", "full"]);
  check.oneOf("checkpoint.guarantee", options.guarantee, ["exactly-once", "at-least-once"]);
  checkUnaligned(check, options);
  check.integer("checkpoint.minPauseMs", options.minPauseMs, 0, dayMs);
  check.integer("checkpoint.timeoutMs", options.timeoutMs, 1_000, dayMs);
  check.integer("checkpoint.retained", options.retained, 1, 1_000);
  check.integer("checkpoint.tolerableFailures", options.tolerableFailures, 0, 1_000_000);
  check.integer("checkpoint.cleanupLimit", options.cleanupLimit, 1, 1_000_000);
  check.oneOf("checkpoint.onCancellation", options.onCancellation, ["retain", "delete"]);
  check.binding("checkpoint.bucket", options.bucket);
  check.prefix("checkpoint.storagePrefix", options.storagePrefix);
}

function checkUnaligned(
  check: OptionCheck,
  { guarantee, unaligned }: JobOptions["checkpoint"],
): void {
  if (unaligned === null) return;
  check.names("checkpoint.unaligned.", unaligned, { alignmentTimeoutMs: 0 });
  const { alignmentTimeoutMs } = unaligned;
  check.integer("checkpoint.unaligned.alignmentTimeoutMs", alignmentTimeoutMs, 0, dayMs);
  // At least once no channel waits for another: there is nothing to overtake for.
  check.oneOf("checkpoint.guarantee", guarantee, ["exactly-once"]);
}

function resolveRestart(check: OptionCheck, input: RestartOptionsInput): RestartOptions {
  const { strategy = "exponential-delay" } = input;
  check.oneOf("restart.strategy", strategy, Object.keys(restartDefaults));
  const defaults = restartDefaults[strategy];
  check.names("restart.", input, defaults);
  const restart = { ...defaults, ...input } as RestartOptions;
  switch (restart.strategy) {
    case "exponential-delay":
      check.integer("restart.initialBackoffMs", restart.initialBackoffMs, 1, dayMs);
      check.integer("restart.maxBackoffMs", restart.maxBackoffMs, restart.initialBackoffMs, dayMs);
      check.number("restart.backoffMultiplier", restart.backoffMultiplier, 1, 100);
      check.number("restart.jitterFactor", restart.jitterFactor, 0, 1);
      check.integer(
        "restart.resetBackoffThresholdMs",
        restart.resetBackoffThresholdMs,
        restart.initialBackoffMs,
        30 * dayMs,
      );
      check.integer("restart.attempts", restart.attempts, 1, 1_000_000);
      break;
    case "fixed-delay":
      check.integer("restart.attempts", restart.attempts, 1, 1_000_000);
      check.integer("restart.delayMs", restart.delayMs, 0, dayMs);
      break;
    case "failure-rate":
      check.integer("restart.maxFailuresPerInterval", restart.maxFailuresPerInterval, 1, 1_000);
      check.integer("restart.failureRateIntervalMs", restart.failureRateIntervalMs, 1, 30 * dayMs);
      check.integer("restart.delayMs", restart.delayMs, 0, dayMs);
      break;
    case "none":
      break;
  }
  return restart;
}

class OptionCheck {
  readonly #job: string;

  constructor(job: string) {
    this.#job = job;
  }

  names(prefix: string, input: object, known: object): void {
    for (const name of Object.keys(input)) {
      if (!Object.hasOwn(known, name)) {
        throw new TypeError(
          `Job "${this.#job}" has no option "${prefix}${name}". ` +
            `Write one of: ${Object.keys(known).join(", ")}.`,
        );
      }
    }
  }

  integer(name: string, value: unknown, smallest: number, largest: number): void {
    if (!Number.isInteger(value)) this.#refuse(name, value, "a whole number", smallest, largest);
    this.number(name, value, smallest, largest);
  }

  number(name: string, value: unknown, smallest: number, largest: number): void {
    if (typeof value !== "number" || !(value >= smallest && value <= largest)) {
      this.#refuse(name, value, "a number", smallest, largest);
    }
  }

  oneOf(name: string, value: unknown, allowed: readonly string[]): void {
    if (!allowed.includes(value as string)) {
      throw new RangeError(
        `Option "${name}" of job "${this.#job}" is ${show(value)}. ` +
          `Write ${allowed.map((word) => `"${word}"`).join(" or ")}.`,
      );
    }
  }

  prefix(name: string, value: unknown): void {
    if (typeof value !== "string" || (value !== "" && !/^[^/].*\/$/.test(value))) {
      throw new RangeError(
        `Option "${name}" of job "${this.#job}" is ${show(value)}. ` +
          `Write "" or a prefix that ends with "/" and does not begin with one, such as "weir/".`,
      );
    }
  }

  binding(name: string, value: unknown): void {
    if (typeof value !== "string" || !/^[A-Za-z_$][\w$]*$/.test(value)) {
      throw new RangeError(
        `Option "${name}" of job "${this.#job}" is ${show(value)}. ` +
          `Write the name of an R2 binding in wrangler.toml, such as "BUCKET".`,
      );
    }
  }

  name(name: string, value: unknown): void {
    if (typeof value !== "string" || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(value)) {
      throw new RangeError(
        `Option "${name}" of job "${this.#job}" is ${show(value)}. Write 1 to 64 of A-Z, a-z, 0-9, ` +
          `"_" and "-", beginning with a letter, such as "failed".`,
      );
    }
  }

  #refuse(name: string, value: unknown, what: string, smallest: number, largest: number): never {
    throw new RangeError(
      `Option "${name}" of job "${this.#job}" is ${show(value)}. ` +
        `Write ${what} from ${smallest} to ${largest}.`,
    );
  }
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}
