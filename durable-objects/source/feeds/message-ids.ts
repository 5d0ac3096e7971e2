/**
 * Which messages of queues are in the log: one row per batch, with the ids and the times between which
 * its messages were sent. A delivery is compared only with the batches whose times meet its own, so
 * memory holds three numbers per batch, and a lookup reads a few rows.
 *
 * Promise: a message is known for at least the time that was asked for after it was appended.
 */
import type { Sql } from "../../object-context.ts";

export interface QueueMessage {
  readonly id: string;
  /** When it was sent: the same in every delivery, ms since the epoch. */
  readonly sentAt: number;
}

interface BatchSpan {
  readonly number: number;
  readonly firstSentAt: number;
  readonly lastSentAt: number;
  readonly appendedAt: number;
}

/** Expired batches are deleted this many at a time. */
const forgottenAtOnce = 100;

export class MessageIds {
  readonly #sql: Sql;
  readonly #queue: string;
  #spans: BatchSpan[];

  constructor(sql: Sql, queue: string) {
    this.#sql = sql;
    this.#queue = queue;
    sql.exec(`CREATE TABLE IF NOT EXISTS queue_batches (
      queue TEXT NOT NULL,
      number INTEGER NOT NULL,
      first_sent_at INTEGER NOT NULL,
      last_sent_at INTEGER NOT NULL,
      appended_at INTEGER NOT NULL,
      ids TEXT NOT NULL,
      PRIMARY KEY (queue, number)
    ) WITHOUT ROWID`);
    this.#spans = sql
      .exec<{
        number: number;
        first_sent_at: number;
        last_sent_at: number;
        appended_at: number;
      }>(
        `SELECT number, first_sent_at, last_sent_at, appended_at FROM queue_batches
         WHERE queue = ? ORDER BY number`,
        queue,
      )
      .map((row) => ({
        number: row.number,
        firstSentAt: row.first_sent_at,
        lastSentAt: row.last_sent_at,
        appendedAt: row.appended_at,
      }));
  }

  /** Those of `messages` that are not in the log, each once. */
  unknown<Message extends QueueMessage>(messages: readonly Message[]): readonly Message[] {
    const known = new Set<string>();
    const { first, last } = timesOf(messages);
    for (const span of this.#spans) {
      if (span.firstSentAt > last || span.lastSentAt < first) continue;
      const [row] = this.#sql.exec<{ ids: string }>(
        "SELECT ids FROM queue_batches WHERE queue = ? AND number = ?",
        this.#queue,
        span.number,
      );
      for (const id of row?.ids.split("\n") ?? []) known.add(id);
    }
    return messages.filter(({ id }) => {
      if (known.has(id)) return false;
      known.add(id);
      return true;
    });
  }

  /**
   * Within the transaction of their lines: remembers `messages`, and forgets batches appended before
   * `forgetBefore`. Call the answer's `committed` once the transaction has.
   */
  add(
    messages: readonly QueueMessage[],
    times: { readonly now: number; readonly forgetBefore: number },
  ): { readonly rows: number; readonly committed: () => void } {
    const { first, last } = timesOf(messages);
    const span: BatchSpan = {
      number: (this.#spans.at(-1)?.number ?? 0) + 1,
      firstSentAt: first,
      lastSentAt: last,
      appendedAt: times.now,
    };
    this.#sql.exec(
      "INSERT INTO queue_batches VALUES (?, ?, ?, ?, ?, ?)",
      this.#queue,
      span.number,
      first,
      last,
      times.now,
      messages.map(({ id }) => id).join("\n"),
    );
    const old = this.#spans.findIndex(({ appendedAt }) => appendedAt >= times.forgetBefore);
    const forgotten = Math.min(forgottenAtOnce, old < 0 ? this.#spans.length : old);
    if (forgotten > 0) {
      this.#sql.exec(
        "DELETE FROM queue_batches WHERE queue = ? AND number <= ?",
        this.#queue,
        this.#spans[forgotten - 1]!.number,
      );
    }
    const committed = (): void => {
      this.#spans = [...this.#spans.slice(forgotten), span];
    };
    return { rows: 1 + forgotten, committed };
  }
}

function timesOf(messages: readonly QueueMessage[]): { first: number; last: number } {
  const times = messages.map(({ sentAt }) => sentAt);
  return { first: Math.min(...times), last: Math.max(...times) };
}
