/** Point reads from the memtable, and from LevelDB's: nothing was flushed on either side. */
import type { Work } from "../figures.ts";
import { levelGetsBothWays, weirGetsBothOrders } from "../gets.ts";
import { putAllInLevel, withLevel } from "../level-side.ts";
import { MIB, openWeir, putEntries } from "../weir-side.ts";
import { PLAIN_STATE, Workload } from "../workload.ts";

const MEMTABLE_BYTES = 512 * MIB;

function getsFromMemtable(entries: number): Work {
  return {
    weir(scale) {
      const workload = new Workload(entries * scale, PLAIN_STATE, false);
      const tuning = { memtableBytes: MEMTABLE_BYTES };
      const engine = openWeir({ memoryBytes: 4 * MEMTABLE_BYTES, tuning });
      putEntries(engine, workload, 0, workload.entries);
      return Promise.resolve(weirGetsBothOrders(engine, workload));
    },
    async level(scale) {
      const workload = new Workload(entries * scale, PLAIN_STATE, false);
      const options = { compression: false, writeBufferBytes: MEMTABLE_BYTES };
      return await withLevel(options, async (level) => {
        await putAllInLevel(level, workload);
        return await levelGetsBothWays(level, workload);
      });
    },
  };
}

export const largeMemtableGets = getsFromMemtable(1_000_000);
/** What a memtable of the usual 4 MiB holds. */
export const smallMemtableGets = getsFromMemtable(20_000);
