/** A million entries that are flushed, compacted and resident: point reads of them, and a scan over all. */
import type { ScanOptions, StateEngine } from "../../../state-engine/index.ts";
import { Stopwatch } from "../figures.ts";
import type { Work } from "../figures.ts";
import { levelGetsBothWays, weirGetsBothOrders } from "../gets.ts";
import { putAllInLevel, settleLevel, withLevel } from "../level-side.ts";
import type { Level } from "../level-side.ts";
import { MIB, openWeir, putAll, settle } from "../weir-side.ts";
import { KEY_BYTES, PLAIN_STATE, VALUE_BYTES, Workload } from "../workload.ts";

const ENTRIES = 1_000_000;
const PAGE = 1000;

export const tableReads: Work = {
  async weir(scale) {
    const workload = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    const engine = openWeir({ memoryBytes: 2048 * MIB, tuning: { compression: "none" } });
    await putAll(engine, workload);
    await settle(engine);
    const gets = weirGetsBothOrders(engine, workload);
    await scanWeir(engine, workload);
    return { ...gets, scan: await scanWeir(engine, workload) };
  },
  async level(scale) {
    const workload = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    return await withLevel({ compression: false }, async (level) => {
      await putAllInLevel(level, workload);
      await settleLevel(level);
      const gets = await levelGetsBothWays(level, workload);
      await scanLevel(level, workload);
      return { ...gets, scan: await scanLevel(level, workload) };
    });
  },
};

async function scanWeir(engine: StateEngine, workload: Workload): Promise<number> {
  const watch = new Stopwatch();
  let seen = 0;
  let bytes = 0;
  let options: ScanOptions | undefined = { limit: PAGE };
  while (options !== undefined) {
    const page = await engine.scan(options);
    for (const { key, value } of page.entries) {
      bytes += key.length + value.length;
      seen++;
    }
    options = page.next === undefined ? undefined : { limit: PAGE, ...page.next };
  }
  return complete(watch, seen, bytes, workload);
}

async function scanLevel(level: Level, workload: Workload): Promise<number> {
  const watch = new Stopwatch();
  let seen = 0;
  let bytes = 0;
  const iterator = level.iterator({ highWaterMarkBytes: 1024 * 1024 });
  for (;;) {
    const entries = await iterator.nextv(PAGE);
    if (entries.length === 0) break;
    for (const [key, value] of entries) {
      bytes += key.length + value.length;
      seen++;
    }
  }
  await iterator.close();
  return complete(watch, seen, bytes, workload);
}

function complete(watch: Stopwatch, seen: number, bytes: number, { entries }: Workload): number {
  const { cpu } = watch.per(entries);
  const expected = entries * (KEY_BYTES + VALUE_BYTES);
  if (seen === entries && bytes === expected) return cpu;
  throw new Error(`The scan saw ${seen} entries and ${bytes} bytes, not ${expected}.`);
}
