/** A million point reads of what is resident, from tables and from the memtable; each value's first byte is looked at. */
import { Stopwatch } from "../figures.ts";
import type { Figures, Work } from "../figures.ts";
import { putAllInLevel, settleLevel, withLevel } from "../level-side.ts";
import type { Level } from "../level-side.ts";
import { MIB, openWeir, putAll, putEntries, settle } from "../weir-side.ts";
import type { StateEngine } from "../../../state-engine/index.ts";
import { KEY_BYTES, PLAIN_STATE, Workload, uniformIndexes, zipfIndexes } from "../workload.ts";

const GETS = 1_000_000;
const MANY = 1000;

interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

function gets(entries: number, from: "tables" | "memtable"): Work {
  const input = (scale: number): Workload => new Workload(entries * scale, PLAIN_STATE, false);
  const memtableBytes = 512 * MIB;
  return {
    async weir(scale): Promise<Figures> {
      const workload = input(scale);
      const engine = openWeir({
        memoryBytes: 2048 * MIB,
        tuning: from === "memtable" ? { memtableBytes } : { compression: "none" },
      });
      if (from === "tables") {
        await putAll(engine, workload);
        await settle(engine);
      } else {
        putEntries(engine, workload, 0, workload.entries);
      }
      return await inBothOrders(workload, scale, (indexes) =>
        Promise.resolve(weirGets(engine, workload, indexes)),
      );
    },
    async level(scale): Promise<Figures> {
      const workload = input(scale);
      const writeBufferBytes = from === "memtable" ? memtableBytes : 4 * MIB;
      return await withLevel({ compression: false, writeBufferBytes }, async (level) => {
        await putAllInLevel(level, workload);
        if (from === "tables") await settleLevel(level);
        const single = await inBothOrders(workload, scale, (indexes) =>
          Promise.resolve(levelGets(level, workload, indexes)),
        );
        const many = await inBothOrders(workload, scale, (indexes) =>
          levelGetMany(level, workload, indexes),
        );
        return { ...single, uniformMany: many["uniform"]!, zipfMany: many["zipf"]! };
      });
    },
  };
}

/** All keys are read once before, so that the caches of both sides are full. */
async function inBothOrders(
  workload: Workload,
  scale: number,
  read: (indexes: Uint32Array) => Promise<Taken>,
): Promise<Figures> {
  await read(Uint32Array.from({ length: workload.entries }, (_, index) => index));
  const uniform = await read(uniformIndexes(GETS * scale, workload.entries));
  const zipf = await read(zipfIndexes(GETS * scale, workload.entries));
  return {
    uniform: uniform.cpu,
    uniformWall: uniform.wall,
    zipf: zipf.cpu,
    zipfWall: zipf.wall,
  };
}

function weirGets(engine: StateEngine, workload: Workload, indexes: Uint32Array): Taken {
  const { keys, values } = workload;
  const watch = new Stopwatch();
  let wrong = 0;
  for (const index of indexes) {
    const found = engine.lookup(keys, index * KEY_BYTES, KEY_BYTES);
    if (typeof found === "string" || found[0] !== values[workload.valueOffset(index)]) wrong++;
  }
  return checked(watch, wrong);
}

function levelGets(level: Level, workload: Workload, indexes: Uint32Array): Taken {
  const { values } = workload;
  const watch = new Stopwatch();
  let wrong = 0;
  for (const index of indexes) {
    const found = level.getSync(workload.key(index));
    if (found?.[0] !== values[workload.valueOffset(index)]) wrong++;
  }
  return checked(watch, wrong);
}

async function levelGetMany(level: Level, workload: Workload, indexes: Uint32Array) {
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
  return checked(watch, wrong);
}

function checked(watch: Stopwatch, wrong: number): Taken {
  const taken = { wall: watch.wall, cpu: watch.cpu };
  if (wrong > 0) throw new Error(`${wrong} reads had the wrong answer.`);
  return taken;
}

export const tableGets = gets(1_000_000, "tables");
export const memtableGets = gets(1_000_000, "memtable");
/** What a memtable of the usual 4 MiB holds. */
export const smallMemtableGets = gets(20_000, "memtable");
