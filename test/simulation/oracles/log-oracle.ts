/**
 * Keeps its own copy of every line any source ever accepted, in order, and counts independently what
 * a consistent cut at given offsets must hold.
 *
 * Checks: line numbers have no gap and no repeat; no line that some retained checkpoint does not cover
 * is gone from the log; in the end each line sent is in exactly once.
 */
import { wordsOf } from "../scenario.ts";
import type { World } from "../world.ts";

export type Counts = Map<string, number>;

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

  /** What the state must be when exactly the lines below these offsets are in it. */
  countBelow(offsets: ReadonlyMap<number, number>): Counts {
    const counts: Counts = new Map();
    for (const [index, log] of this.#logs.entries()) {
      for (const line of log.slice(0, offsets.get(index) ?? 0)) {
        for (const word of wordsOf(line)) counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
    return counts;
  }

  countEverything(): Counts {
    return this.countBelow(new Map(this.#logs.map((log, index) => [index, log.length])));
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

/** The first difference between two counts, in words; undefined when there is none. */
export function differenceOf(found: Counts, expected: Counts): string | undefined {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  const wrong = [...keys].filter((key) => (found.get(key) ?? 0) !== (expected.get(key) ?? 0));
  const [key] = wrong.toSorted();
  if (key === undefined) return undefined;
  return `"${key}" is ${found.get(key) ?? 0} where ${expected.get(key) ?? 0} is right`;
}
