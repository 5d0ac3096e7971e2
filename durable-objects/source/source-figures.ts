/** How far a source is: what its reporter goes by, and what the coordinator is told [22, 25, 43]. */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { OperationCounts, SourceReport } from "../messages.ts";
import type { SourceFeeds } from "./feeds/source-feeds.ts";
import type { SourceLog } from "./log.ts";
import type { OperationCounter } from "./operations.ts";
import type { Pump } from "./pump.ts";
import type { ReporterSource } from "./reporter.ts";
import type { StandingKeeper } from "./standing-keeper.ts";

export interface SourceFiguresOptions {
  readonly job: JobGraph;
  readonly source: number;
  readonly log: SourceLog;
  readonly standings: StandingKeeper;
  readonly operations: OperationCounter;
  readonly feeds: SourceFeeds;
  /** Absent while the job does not run. */
  readonly pump: () => Pick<Pump, "deliveredLine" | "processedLine"> | undefined;
}

const noOperations: OperationCounts = { classA: 0, classB: 0, rowsWritten: 0, requests: 0 };

export class SourceFigures implements ReporterSource {
  readonly #options: SourceFiguresOptions;

  constructor(options: SourceFiguresOptions) {
    this.#options = options;
  }

  get hasUncovered(): boolean {
    const { log, standings } = this.#options;
    return log.end.line > standings.current.covered;
  }

  get isProcessed(): boolean {
    return this.processed === this.#options.log.end.line;
  }

  get isHalfFull(): boolean {
    const { job, log } = this.#options;
    return log.bytesKept > job.options.logLimitBytes / 2;
  }

  get canReport(): boolean {
    return this.#options.pump() !== undefined;
  }

  /** Lines before this one are cut for every channel. */
  get processed(): number {
    const { log, pump, standings } = this.#options;
    return Math.min(pump()?.processedLine ?? standings.current.covered, log.end.line);
  }

  /** The coordinator has not heard yet that the input has ended, or goes on after all. */
  get hasEndToTell(): boolean {
    const { feeds, standings } = this.#options;
    return feeds.hasEnded !== (standings.current.toldEnd ?? false);
  }

  toldEnd(hasEnded: boolean): void {
    const { standings } = this.#options;
    if ((standings.current.toldEnd ?? false) === hasEnded) return;
    standings.write({ ...standings.current, toldEnd: hasEnded });
  }

  /** Takes the operations counted since the last report with it. */
  report(): SourceReport {
    return this.describe(this.#options.operations.take());
  }

  describe(operations = noOperations): SourceReport {
    const { feeds, job, log, source, standings } = this.#options;
    return {
      source,
      generation: standings.current.generation,
      accepted: log.end.line,
      processed: this.processed,
      firstKept: log.firstLine,
      bytesKept: log.bytesKept,
      operations,
      ...(job.source.feeds !== undefined && {
        feeds: feeds.progress,
        hasEnded: feeds.hasEnded,
      }),
    };
  }
}
