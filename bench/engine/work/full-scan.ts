/** Every entry in order of key, once: a million entries in settled tables, all resident. */
import { Stopwatch } from "../figures.ts";
import type { Work } from "../figures.ts";
import { putAllInLevel, settleLevel, withLevel } from "../level-side.ts";
import type { Level } from "../level-side.ts";
import type { ScanOptions, StateEngine } from "../../../state-engine/index.ts";
import { MIB, openWeir, putAll, settle } from "../weir-side.ts";
import { KEY_BYTES, PLAIN_STATE, VALUE_BYTES, Workload } from "../workload.ts";

const ENTRIES = 1_000_000;
const PAGE = 1000;

export const fullScan: Work = {
  async weir(scale) {
    const workload = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    const engine = openWeir({ memoryBytes: 2048 * MIB, tuning: { compression: "none" } });
    await putAll(engine, workload);
    await settle(engine);
    await scanWeir(engine, workload);
    return { scan: await scanWeir(engine, workload) };
  },
  async level(scale) {
    const workload = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    return await withLevel({ compression: false }, async (level) => {
      await putAllInLevel(level, workload);
      await settleLevel(level);
      await scanLevel(level, workload);
      return { scan: await scanLevel(level, workload) };
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
  return complete(watch.cpu, seen, bytes, workload);
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
  return complete(watch.cpu, seen, bytes, workload);
}

function complete(milliseconds: number, seen: number, bytes: number, workload: Workload): number {
  const expected = workload.entries * (KEY_BYTES + VALUE_BYTES);
  if (seen === workload.entries && bytes === expected) return milliseconds;
  throw new Error(`The scan saw ${seen} entries and ${bytes} bytes, not ${expected}.`);
}
