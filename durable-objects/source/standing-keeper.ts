/**
 * The standing of a source and the beginning of its log, which change together: what a checkpoint
 * covers is what the log may forget [18].
 *
 * Promise: `current` is what SQLite holds; the log keeps every line that no completed checkpoint
 * covers, and those above a pending one.
 */
import type { ObjectContext } from "../object-context.ts";
import type { SourceLog } from "./log.ts";
import type { OperationCounter } from "./operations.ts";
import { writeStanding } from "./standing.ts";
import type { Standing } from "./standing.ts";

export interface StandingKeeperOptions {
  readonly context: Pick<ObjectContext, "crashPoint" | "sql">;
  readonly log: SourceLog;
  readonly operations: OperationCounter;
  /** As SQLite holds it. */
  readonly standing: Standing;
}

export class StandingKeeper {
  readonly #options: StandingKeeperOptions;
  #current: Standing;

  constructor(options: StandingKeeperOptions) {
    this.#options = options;
    this.#current = options.standing;
  }

  get current(): Standing {
    return this.#current;
  }

  /** Makes `standing` durable, and drops the log below `truncateBefore` as far as it allows. */
  write(standing: Standing, truncateBefore = 0): void {
    const { context, log, operations } = this.#options;
    const keepFrom = Math.min(
      truncateBefore,
      standing.covered,
      standing.pending?.offset ?? standing.covered,
    );
    context.crashPoint("source: before standing and truncation");
    context.sql.transaction(() => {
      const next = { ...standing, emptyEnd: log.end };
      writeStanding(context.sql, next);
      this.#current = next;
      operations.addRowsWritten(1 + log.truncate(keepFrom));
    });
    context.crashPoint("source: after standing and truncation");
  }
}
