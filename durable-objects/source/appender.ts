/**
 * Adds a segment to the log: the segment's row, the producer's row and the alarm in one transaction
 * [11, 27], so that "appended" means durable and sure to be pumped.
 */
import type { AppendAnswer, AppendRequest } from "../messages.ts";
import type { LineSegment } from "../lines/segments-of-text.ts";
import type { ObjectContext } from "../object-context.ts";
import { skipLines } from "./log.ts";
import type { LogEnd, SourceLog } from "./log.ts";
import type { OperationCounter } from "./operations.ts";
import { ProducerTable, decideAppend } from "./producers.ts";
import type { ProducerRow } from "./producers.ts";

export const alarmPeriodMs = 5_000;
const maxSegmentBytes = 1024 * 1024;
const retryAfterFullSeconds = 5;
const pruneEveryMs = 3_600_000;
/** Of the log's limit, what feeds fill: above the half that calls for a checkpoint. */
const fedShare = 0.75;

export interface AppenderOptions {
  readonly context: ObjectContext;
  readonly log: SourceLog;
  readonly operations: OperationCounter;
  readonly logLimitBytes: number;
}

export class Appender {
  readonly #context: ObjectContext;
  readonly #log: SourceLog;
  readonly #operations: OperationCounter;
  readonly #logLimitBytes: number;
  readonly #producers: ProducerTable;
  #prunedAt = -Infinity;

  constructor({ context, log, operations, logLimitBytes }: AppenderOptions) {
    this.#context = context;
    this.#log = log;
    this.#operations = operations;
    this.#logLimitBytes = logLimitBytes;
    this.#producers = new ProducerTable(context.sql);
  }

  /** Throws RangeError for a request that breaks the contract of AppendRequest. */
  append(request: AppendRequest): AppendAnswer {
    checkRequest(request);
    const now = this.#context.environment.now();
    let end: LogEnd | undefined;
    let rows = 0;
    const answer = this.#context.sql.transaction((): AppendAnswer => {
      const { producer, lines } = request;
      const known = producer && this.#producers.read(producer.id, now);
      const decision = decideAppend(known, request);
      if (decision.kind === "answer") return decision.answer;
      const added = lines - decision.skip;
      if (added > 0) {
        const bytes = skipLines(request.bytes, decision.skip);
        if (this.#log.bytesKept + bytes.length > this.#logLimitBytes) {
          return { kind: "full", retryAfterSeconds: retryAfterFullSeconds };
        }
        end = this.#log.append(added, bytes, now);
        rows++;
      }
      if (producer !== undefined && decision.row !== undefined && isNews(known, decision.row)) {
        this.#producers.write(producer.id, decision.row, now);
        rows++;
      }
      if (end !== undefined) rows += this.#setAlarm(now);
      return { kind: "appended", added };
    });
    if (end !== undefined) this.#log.committed(end);
    this.#operations.addRowsWritten(rows);
    return answer;
  }

  /**
   * Lines that a feed read: `writeProgress` says in the same transaction how far it is, and answers the
   * rows it wrote. "full": nothing happened, the log has no room for them. A part of the log is left to
   * those who post, but never less than it takes to call for a checkpoint [25].
   */
  appendFed(segments: readonly LineSegment[], writeProgress: () => number): "appended" | "full" {
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
    if (bytes > 0 && this.#log.bytesKept + bytes > this.#logLimitBytes * fedShare) return "full";
    const now = this.#context.environment.now();
    let end = this.#log.end;
    const rows = this.#context.sql.transaction(() => {
      for (const { bytes: lines, lines: count } of segments) {
        end = this.#log.append(count, lines, now, end);
      }
      return segments.length + writeProgress() + this.#setAlarm(now);
    });
    this.#log.committed(end);
    this.#operations.addRowsWritten(rows);
    return "appended";
  }

  /** Answers the rows it wrote. */
  #setAlarm(now: number): number {
    if (this.#context.alarm.get() !== undefined) return 0;
    this.#context.alarm.set(now + alarmPeriodMs);
    return 1;
  }

  /** Forgets producers silent for too long, once an hour at most. */
  prune(): void {
    const now = this.#context.environment.now();
    if (now - this.#prunedAt < pruneEveryMs) return;
    this.#prunedAt = now;
    this.#operations.addRowsWritten(this.#producers.prune(now));
  }
}

function isNews(known: ProducerRow | undefined, row: ProducerRow): boolean {
  return (
    known === undefined ||
    known.closedSequence !== row.closedSequence ||
    known.openSequence !== row.openSequence ||
    known.linesIn !== row.linesIn
  );
}

function checkRequest({ producer, fromLine, lines, bytes, last }: AppendRequest): void {
  if (bytes.length > maxSegmentBytes) {
    throw new RangeError(
      `A segment holds at most ${maxSegmentBytes} bytes, this one has ${bytes.length}: cut it at a line end.`,
    );
  }
  if (lines === 0 ? !last || bytes.length > 0 : bytes.length < lines * 2 - 1) {
    throw new RangeError(
      `A segment of ${lines} lines cannot have ${bytes.length} bytes${last ? "" : " and be followed by another"}: ` +
        `lines are not empty, and only the last segment may have none.`,
    );
  }
  if (!isCount(fromLine) || !isCount(lines) || !isCount(producer?.sequence ?? 0)) {
    throw new RangeError(
      `fromLine (${fromLine}), lines (${lines}) and the producer's sequence (${producer?.sequence}) are whole numbers from 0.`,
    );
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
