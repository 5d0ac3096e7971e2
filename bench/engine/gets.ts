/**
 * Point reads of what is resident, uniform and Zipf, on either side; each value's first byte is looked
 * at. Figures are microseconds of CPU a read.
 */
import type { StateEngine } from "../../state-engine/index.ts";
import { Stopwatch } from "./figures.ts";
import type { Figures } from "./figures.ts";
import type { Level } from "./level-side.ts";
import { KEY_BYTES, uniformIndexes, zipfIndexes } from "./workload.ts";
import type { Workload } from "./workload.ts";

/** Few entries are read more often than once before, so that the code is as fast as it gets. */
const LEAST_WARMING_GETS = 300_000;
const WEIR_GETS = 1_000_000;
/** LevelDB's reads take microseconds each: fewer of them say the same. */
const LEVEL_GETS = 150_000;
const MANY = 1000;

export function weirGetsBothOrders(engine: StateEngine, workload: Workload): Figures {
  weirGets(engine, workload, allIndexes(workload));
  return {
    uniform: weirGets(engine, workload, uniformIndexes(WEIR_GETS, workload.entries)),
    zipf: weirGets(engine, workload, zipfIndexes(WEIR_GETS, workload.entries)),
  };
}

export async function levelGetsBothWays(level: Level, workload: Workload): Promise<Figures> {
  levelGets(level, workload, allIndexes(workload));
  const uniform = uniformIndexes(LEVEL_GETS, workload.entries);
  const zipf = zipfIndexes(LEVEL_GETS, workload.entries);
  return {
    uniform: levelGets(level, workload, uniform),
    zipf: levelGets(level, workload, zipf),
    uniformMany: await levelGetMany(level, workload, uniform),
    zipfMany: await levelGetMany(level, workload, zipf),
  };
}

/** Every key, so that the caches of both sides are full. */
function allIndexes({ entries }: Workload): Uint32Array {
  return Uint32Array.from(
    { length: Math.max(entries, LEAST_WARMING_GETS) },
    (_, index) => index % entries,
  );
}

function weirGets(engine: StateEngine, workload: Workload, indexes: Uint32Array): number {
  const { keys, values } = workload;
  const watch = new Stopwatch();
  let wrong = 0;
  for (const index of indexes) {
    const found = engine.lookup(keys, index * KEY_BYTES, KEY_BYTES);
    if (typeof found === "string" || found[0] !== values[workload.valueOffset(index)]) wrong++;
  }
  return checked(watch, wrong, indexes.length);
}

function levelGets(level: Level, workload: Workload, indexes: Uint32Array): number {
  const { values } = workload;
  const watch = new Stopwatch();
  let wrong = 0;
  for (const index of indexes) {
    const found = level.getSync(workload.key(index));
    if (found?.[0] !== values[workload.valueOffset(index)]) wrong++;
  }
  return checked(watch, wrong, indexes.length);
}

async function levelGetMany(
  level: Level,
  workload: Workload,
  indexes: Uint32Array,
): Promise<number> {
  const { values } = workload;
  const watch = new Stopwatch();
  let wrong = 0;
  for (let from = 0; from < indexes.length; from += MANY) {
    const batch = [...indexes.subarray(from, from + MANY)];
    const found = await level.getMany(batch.map((index) => workload.key(index)));
    batch.forEach((index, position) => {
      if (found[position]?.[0] !== values[workload.valueOffset(index)]) wrong++;
    });
  }
  return checked(watch, wrong, indexes.length);
}

function checked(watch: Stopwatch, wrong: number, gets: number): number {
  const { cpu } = watch.per(gets);
  if (wrong > 0) throw new Error(`${wrong} reads had the wrong answer.`);
  return cpu;
}
