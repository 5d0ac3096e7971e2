/**
 * Fills in and checks what a user writes as options of a job. Done once, when the job is built, so
 * that everything behind a JobGraph may rely on its ranges.
 *
 * Promise: either a complete JobOptions, or an error that names the option and says what to write.
 */
import type { JobOptions } from "./job-graph.ts";

/** JobOptions as a user writes them: everything may be left out. */
export type JobOptionsInput = Partial<Omit<JobOptions, "checkpoint" | "restart">> & {
  readonly checkpoint?: Partial<JobOptions["checkpoint"]>;
  readonly restart?: Partial<JobOptions["restart"]>;
};

export const defaultJobOptions: JobOptions = {
  parallelism: 4,
  maxParallelism: 128,
  sources: 1,
  logLimitBytes: 256 * 1024 * 1024,
  checkpoint: {
    intervalMs: 10_000,
    mode: "incremental",
    minPauseMs: 0,
    timeoutMs: 600_000,
    retained: 1,
    tolerableFailures: 0,
    storagePrefix: "",
  },
  restart: {
    initialBackoffMs: 1_000,
    maxBackoffMs: 60_000,
    backoffMultiplier: 1.5,
    jitterFactor: 0.1,
    resetBackoffThresholdMs: 3_600_000,
    attempts: 10,
  },
};

/** Completes `input` with the defaults. Throws RangeError or TypeError naming the first option that is wrong. */
export function resolveJobOptions(job: string, input: JobOptionsInput): JobOptions {
  const check = new OptionCheck(job);
  check.names("", input, defaultJobOptions);
  check.names("checkpoint.", input.checkpoint ?? {}, defaultJobOptions.checkpoint);
  check.names("restart.", input.restart ?? {}, defaultJobOptions.restart);
  const options: JobOptions = {
    ...defaultJobOptions,
    ...input,
    checkpoint: { ...defaultJobOptions.checkpoint, ...input.checkpoint },
    restart: { ...defaultJobOptions.restart, ...input.restart },
  };
  const { checkpoint, restart } = options;
  check.integer("maxParallelism", options.maxParallelism, 1, 32_768);
  check.integer("parallelism", options.parallelism, 1, options.maxParallelism);
  check.integer("sources", options.sources, 1, 1_024);
  check.integer("logLimitBytes", options.logLimitBytes, 4 * 1024 * 1024, 8 * 1024 ** 3);
  check.integer("checkpoint.intervalMs", checkpoint.intervalMs, 0, 86_400_000);
  check.oneOf("checkpoint.mode", checkpoint.mode, ["incremental", "full"]);
  check.integer("checkpoint.minPauseMs", checkpoint.minPauseMs, 0, 86_400_000);
  check.integer("checkpoint.timeoutMs", checkpoint.timeoutMs, 1_000, 86_400_000);
  check.integer("checkpoint.retained", checkpoint.retained, 1, 1_000);
  check.integer("checkpoint.tolerableFailures", checkpoint.tolerableFailures, 0, 1_000_000);
  check.prefix("checkpoint.storagePrefix", checkpoint.storagePrefix);
  check.integer("restart.initialBackoffMs", restart.initialBackoffMs, 1, 86_400_000);
  check.integer("restart.maxBackoffMs", restart.maxBackoffMs, restart.initialBackoffMs, 86_400_000);
  check.number("restart.backoffMultiplier", restart.backoffMultiplier, 1, 100);
  check.number("restart.jitterFactor", restart.jitterFactor, 0, 1);
  check.integer(
    "restart.resetBackoffThresholdMs",
    restart.resetBackoffThresholdMs,
    restart.initialBackoffMs,
    30 * 86_400_000,
  );
  check.integer("restart.attempts", restart.attempts, 1, 1_000_000);
  return options;
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
