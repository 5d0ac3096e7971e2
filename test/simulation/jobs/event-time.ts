/**
 * Event time in simulated jobs: lines "id key at", and what watermark follows from given lines.
 *
 * A producer's clock goes on by itself, so that what it sends does not depend on when it sends it. Each
 * source has one producer and no line is late against its own source. Where no source is ever idle, no
 * line is late at all and every result is known for certain. For that the first request of each producer
 * stands at the beginning of time, its first line brings the same watermark for all of them (a source that
 * begins behind the others is left out until it has caught up), and the workload lets none go on before
 * a checkpoint has all of them.
 */
import { watermarks, type WatermarkStrategy } from "../../../dataflow/time/watermark-strategy.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Scenario } from "../scenario.ts";
import { padding } from "./padding.ts";
import type { Cut, Producer } from "./simulated-job.ts";

export interface TimedLine {
  readonly id: string;
  readonly key: string;
  /** Milliseconds; even, so that an odd gap is never met exactly. */
  readonly at: number;
}

const OUT_OF_ORDERNESS_MS = 2_000;
const LONGEST_STEP_MS = 3_000;
const CLOSING_AT = 1_000_000_000;
const CLOSING_KEY = "closing";

export function timestamps(scenario: Scenario): WatermarkStrategy<TimedLine> {
  return watermarks
    .boundedOutOfOrderness<TimedLine>(OUT_OF_ORDERNESS_MS, ({ at }) => at)
    .withIdleness(scenario.idlenessMs);
}

/** No line is late, whatever happens. */
export function isCertain(scenario: Scenario): boolean {
  const { drains, idlenessMs, sources, startsElsewhere } = scenario;
  return !drains && (sources === 1 || (idlenessMs >= 24 * 3_600_000 && !startsElsewhere));
}

export function timedLine(line: string): TimedLine {
  const [id, key, at] = line.split(" ");
  return { id: id!, key: key!, at: Number(at) };
}

/** The lines of a cut but for the closing ones. */
export function timedLines({ lines }: Pick<Cut, "lines">): TimedLine[] {
  return lines
    .flat()
    .map(timedLine)
    .filter(({ key }) => key !== CLOSING_KEY);
}

/** The event time that exactly these lines have reached; -Infinity while a source has none. */
export function watermarkOf({ lines }: Pick<Cut, "lines">): number {
  const latest = lines.map((log) => Math.max(...log.map((line) => timedLine(line).at)));
  return Math.min(...latest) - OUT_OF_ORDERNESS_MS - 1;
}

/** Whether a result is of the closing lines alone: with the end of a job's input it comes, otherwise not. */
export function isOfClosing(key: string): boolean {
  return key === CLOSING_KEY;
}

export interface TimedProducer {
  readonly index: number;
  readonly random: SeededRandom;
  /** Answers a key for the next line. Default: one of the scenario's shared words. */
  readonly key?: () => string;
  /** What stands before the number of a line in its id. Default: "". */
  readonly kind?: () => string;
}

export function timedProducer(
  scenario: Scenario,
  { index, key, kind, random }: TimedProducer,
): Producer {
  let clock = 0;
  let number = 0;
  let isFirst = true;
  const users = Math.max(2, scenario.sharedWords);
  const nextKey = key ?? (() => `user${random.integer(users)}`);
  const line = (): string => {
    if (!isFirst) clock += random.between(0, LONGEST_STEP_MS);
    const late = number === 0 ? OUT_OF_ORDERNESS_MS : random.between(0, OUT_OF_ORDERNESS_MS);
    const at = 2 * Math.floor((clock + late) / 2);
    return `${kind?.() ?? ""}${index}-${number++} ${nextKey()} ${at} ${padding(random, scenario.paddingBytes / 10)}`;
  };
  return {
    closing: [`closing${index} ${CLOSING_KEY} ${CLOSING_AT}`],
    lines(count) {
      const made = Array.from({ length: Math.max(1, count) }, line);
      isFirst = false;
      return made;
    },
  };
}
