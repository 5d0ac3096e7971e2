/**
 * A million increments of 100,000 counters, Zipf: merge operands here, read, add and write there. Each side
 * first counts a tenth of it in a database of its own, so that what is measured is compiled code.
 */
import { decodeInt64Number, hash32 } from "../../../state-engine/index.ts";
import { Stopwatch } from "../figures.ts";
import type { Figures, Work } from "../figures.ts";
import { withLevel } from "../level-side.ts";
import { openWeir, settle } from "../weir-side.ts";
import { BATCH_ENTRIES, COUNT_STATE, KEY_BYTES, Workload, zipfIndexes } from "../workload.ts";

const INCREMENTS = 1_000_000;
const COUNTERS = 100_000;

export const counters: Work = {
  async weir(scale) {
    const workload = new Workload(COUNTERS * scale, COUNT_STATE, false);
    const order = zipfIndexes(INCREMENTS * scale, workload.entries);
    await countInWeir(workload, order.subarray(0, order.length / 10));
    return await countInWeir(workload, order);
  },
  async level(scale) {
    const workload = new Workload(COUNTERS * scale, COUNT_STATE, false);
    const order = zipfIndexes(INCREMENTS * scale, workload.entries);
    await countInLevel(workload, order.subarray(0, order.length / 10));
    return await countInLevel(workload, order);
  },
};

async function countInWeir({ keys }: Workload, order: Uint32Array): Promise<Figures> {
  const engine = openWeir();
  const watch = new Stopwatch();
  for (let from = 0; from < order.length; from += BATCH_ENTRIES) {
    const to = Math.min(order.length, from + BATCH_ENTRIES);
    for (let position = from; position < to; position++) {
      const at = order[position]! * KEY_BYTES;
      engine.mergeInt64(keys, at, KEY_BYTES, hash32(keys, at + 4, KEY_BYTES - 4), 1);
    }
    await engine.maintain();
  }
  const figures = watch.per(order.length);
  await settle(engine);
  const first = engine.lookup(keys, 0, KEY_BYTES);
  expectCount(typeof first === "string" ? 0 : decodeInt64Number(first), order);
  return { ...figures };
}

async function countInLevel(workload: Workload, order: Uint32Array): Promise<Figures> {
  return await withLevel({ compression: false }, async (level) => {
    const watch = new Stopwatch();
    for (let from = 0; from < order.length; from += BATCH_ENTRIES) {
      const counts = new Map<number, number>();
      for (const index of order.subarray(from, from + BATCH_ENTRIES)) {
        const known = counts.get(index);
        if (known !== undefined) {
          counts.set(index, known + 1);
          continue;
        }
        const stored = level.getSync(workload.key(index));
        counts.set(index, (stored === undefined ? 0 : readCount(stored)) + 1);
      }
      await level.batch(
        Array.from(counts, ([index, count]) => ({
          type: "put" as const,
          key: workload.key(index),
          value: writeCount(count),
        })),
      );
    }
    const figures = watch.per(order.length);
    const first = level.getSync(workload.key(0));
    expectCount(first === undefined ? 0 : readCount(first), order);
    return { ...figures };
  });
}

function expectCount(found: number, order: Uint32Array): void {
  const expected = order.filter((index) => index === 0).length;
  if (found !== expected) throw new Error(`The first counter is ${found}, not ${expected}.`);
}

function readCount(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
}

function writeCount(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, count);
  return bytes;
}
