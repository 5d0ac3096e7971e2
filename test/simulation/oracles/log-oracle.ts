/**
 * Keeps its own copy of every line any source ever accepted, in order: what must be in a consistent cut
 * at given offsets.
 *
 * Checks: line numbers have no gap and no repeat; no line that some retained checkpoint does not cover
 * is gone from the log; in the end each line sent is in exactly once.
 */
import type { World } from "../world.ts";
import type { Offsets } from "./lineage.ts";

export class LogOracle {
  readonly #world: World;
  readonly #logs: string[][];
  /** How far each source's storage had come when it was read. */
  readonly #read: number[];

  constructor(world: World, sources: number) {
    this.#world = world;
    this.#logs = Array.from({ length: sources }, () => []);
    this.#read = this.#logs.map(() => -1);
  }

  /**
   * Copies what was accepted since the last call. Call it after every event, before anything is truncated,
   * with the line from which each source's log is needed.
   */
  follow(neededFrom: ReadonlyMap<number, number>): void {
    for (const [index, log] of this.#logs.entries()) {
      const { storage } = this.#world.object({ kind: "source", index });
      if (this.#read[index] === storage.writes || !storage.hasTable("segments")) continue;
      this.#read[index] = storage.writes;
      const segments = storage.exec<{ first_line: number; lines: number; bytes: Uint8Array }>(
        "SELECT first_line, lines, bytes FROM segments WHERE first_line >= ? ORDER BY first_line",
        log.length,
      );
      for (const segment of segments) this.#add(index, log, segment);
      const [kept] = storage.exec<{ first: number | null }>(
        "SELECT MIN(first_line) AS first FROM segments",
      );
      this.#expectKept(index, kept?.first ?? log.length, neededFrom.get(index) ?? 0);
    }
  }

  get lineCounts(): readonly number[] {
    return this.#logs.map((log) => log.length);
  }

  /** The lines of each source from its offset in `since` (default 0) up to the one in `until`. */
  linesBetween(since: Offsets, until: Offsets): readonly (readonly string[])[] {
    return this.#logs.map((log, index) => log.slice(since.get(index) ?? 0, until.get(index) ?? 0));
  }

  linesSince(since: Offsets): readonly (readonly string[])[] {
    return this.#logs.map((log, index) => log.slice(since.get(index) ?? 0));
  }

  /** Every line sent was accepted once, and nothing else was. */
  expectExactly(sent: readonly string[]): void {
    const accepted = this.#logs.flat().toSorted().join("\n");
    if (accepted !== sent.toSorted().join("\n")) {
      this.#world.violations.add(
        `${sent.length} lines were sent and the logs accepted ${this.#logs.flat().length}: not the same lines.`,
      );
    }
  }

  /** What any retained checkpoint does not cover can be sent again [18]. */
  #expectKept(source: number, firstKept: number, offset: number): void {
    if (firstKept <= offset) return;
    this.#world.violations.add(
      `The log of source ${source} begins at line ${firstKept}, and a retained checkpoint covers no more than ${offset}.`,
    );
  }

  #add(
    index: number,
    log: string[],
    segment: { first_line: number; lines: number; bytes: Uint8Array },
  ): void {
    const lines = new TextDecoder().decode(segment.bytes).split("\n");
    if (segment.first_line !== log.length || lines.length !== segment.lines) {
      this.#world.violations.add(
        `Source ${index} wrote a segment of ${lines.length} lines as ${segment.lines} lines from ` +
          `${segment.first_line} where line ${log.length} comes next.`,
      );
      return;
    }
    log.push(...lines);
  }
}
