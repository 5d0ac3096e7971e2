/**
 * Lines at which functions of the job threw, and the decision to give one up [42]. A decision is
 * written in the transaction that raises the generation: the generation begins at a checkpoint that does
 * not hold the line, and each source learns of it with the answer that lets it act in that generation.
 *
 * Promise: a line that was given up stays given up for as long as any retained checkpoint may replay it.
 * Limit: no more than 1,000 lines between two completed checkpoints; one more is a failure of the job.
 */
import type { GivenUpLine } from "../given-up-line.ts";
import type { TaskFailure } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { truncateBefore } from "./progress.ts";

/** Lines given up that an answer to attach carries at most: about a megabyte. */
const mostGivenUp = 1_000;
const longestMessage = 1_000;

export type LineVerdict =
  /** It failed `failures` times and will be tried again. */
  { readonly kind: "retry"; readonly failures: number } | { readonly kind: "givenUp" };

type Failure = Pick<TaskFailure, "error" | "source" | "line" | "operator" | "key">;

interface FailedLine extends GivenUpLine {
  readonly isGivenUp: boolean;
}

/**
 * Counts a failure in the caller's transaction. Undefined when nothing can be given up: the job has no
 * dead letters, the line is not known, or the checkpoint to go back to holds it already.
 */
export function judgeLine(
  { job, rows, store }: Coordination,
  { error, source, line, operator, key }: Failure,
): LineVerdict | undefined {
  const { deadLetter } = job.options;
  if (deadLetter === null || source === undefined || line === undefined) return undefined;
  const row = rows.source(source);
  if (line < row.completed.offset) return undefined;
  forget(store, source, {
    failed: row.completed.offset,
    any: truncateBefore(rows.retained(), row),
  });
  const before = read(store, "source = ? AND line = ?", source, line)[0];
  const attempts = (before?.attempts ?? 0) + 1;
  const isGivenUp = attempts >= deadLetter.attempts;
  const covered = [source, row.completed.offset] as const;
  if (isGivenUp && givenUp(store, ...covered).length >= mostGivenUp) return undefined;
  const failed: FailedLine = {
    line,
    error: { name: error.name, message: error.message.slice(0, longestMessage) },
    operator: operator ?? null,
    key: key ?? null,
    attempts,
    isGivenUp,
  };
  store.write(
    "INSERT OR REPLACE INTO failed_line (source, line, given_up, data) VALUES (?, ?, ?, ?)",
    source,
    line,
    isGivenUp ? 1 : 0,
    JSON.stringify(failed),
  );
  return isGivenUp ? { kind: "givenUp" } : { kind: "retry", failures: attempts };
}

/** What a source that begins at `fromLine` leaves out, in order. */
export function givenUpLines(
  { store }: Pick<Coordination, "store">,
  source: number,
  fromLine: number,
): readonly GivenUpLine[] {
  return givenUp(store, source, fromLine).map(({ line, error, operator, key, attempts }) => ({
    line,
    error,
    operator,
    key,
    attempts,
  }));
}

type Store = Coordination["store"];

function givenUp(store: Store, source: number, fromLine: number): readonly FailedLine[] {
  return read(store, "source = ? AND line >= ? AND given_up = 1", source, fromLine);
}

function read(store: Store, where: string, source: number, line: number): readonly FailedLine[] {
  return store
    .read<{ data: string }>(
      `SELECT data FROM failed_line WHERE ${where} ORDER BY line`,
      source,
      line,
    )
    .map(({ data }) => JSON.parse(data) as FailedLine);
}

/** Lines below `failed` passed in the end; lines below `any` are in no log any more. */
function forget(store: Store, source: number, below: { failed: number; any: number }): void {
  store.write(
    "DELETE FROM failed_line WHERE source = ? AND (line < ? OR (given_up = 0 AND line < ?))",
    source,
    below.any,
    below.failed,
  );
}
