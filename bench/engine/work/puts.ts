/** A million puts in batches: until everything is flushed and compacted, and the put path alone. */
import { putAllInLevel, settleLevel, withLevel } from "../level-side.ts";
import { Stopwatch } from "../figures.ts";
import type { Figures, Work } from "../figures.ts";
import { MIB, openWeir, putAll, putEntries, settle } from "../weir-side.ts";
import { BATCH_ENTRIES, PLAIN_STATE, Workload } from "../workload.ts";

const ENTRIES = 1_000_000;

function putsCompacted(compressed: boolean): Work {
  const workload = (scale: number): Workload =>
    new Workload(ENTRIES * scale, PLAIN_STATE, compressed);
  return {
    async weir(scale): Promise<Figures> {
      const input = workload(scale);
      const engine = openWeir({ tuning: compressed ? {} : { compression: "none" } });
      const watch = new Stopwatch();
      await putAll(engine, input);
      await settle(engine);
      return { ...watch.per(input.entries) };
    },
    async level(scale): Promise<Figures> {
      const input = workload(scale);
      return await withLevel({ compression: compressed }, async (level) => {
        const watch = new Stopwatch();
        await putAllInLevel(level, input);
        await settleLevel(level);
        return { ...watch.per(input.entries) };
      });
    },
  };
}

export const plainPuts = putsCompacted(false);
/**
 * A sixth of Weir's time is zstd here: some 7,000 calls, one a block of what is stored in the end, of which
 * two fifths are making and dropping a context. Level 1 all the same: lower ones compress states of text
 * and counters to half their bytes instead of a third.
 */
export const compressedPuts = putsCompacted(true);

/** Into memtables of the usual size that nothing flushes meanwhile. */
export const putPath: Work = {
  async weir(scale) {
    const input = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    const engine = openWeir();
    const watch = new Stopwatch();
    for (let from = 0; from < input.entries; from += BATCH_ENTRIES) {
      const room = engine.admit(BATCH_ENTRIES * 116);
      if (room !== undefined) await room;
      putEntries(engine, input, from, Math.min(from + BATCH_ENTRIES, input.entries));
    }
    return { wall: watch.per(input.entries).wall };
  },
  /**
   * Once with a write buffer that never fills, so that its own threads have nothing to do either, and once
   * with its usual one: then its compactions hold the writer up, which is not the put path alone.
   */
  async level(scale) {
    const input = new Workload(ENTRIES * scale, PLAIN_STATE, false);
    const wallOf = (writeBufferBytes: number): Promise<number> =>
      withLevel({ compression: false, writeBufferBytes }, async (level) => {
        const watch = new Stopwatch();
        await putAllInLevel(level, input);
        return watch.per(input.entries).wall;
      });
    return { wall: await wallOf(512 * MIB), wallUsualBuffer: await wallOf(4 * MIB) };
  },
};
