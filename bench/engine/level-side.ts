/**
 * LevelDB (C++) through classic-level, given every advantage: raw bytes without encodings, buffers and
 * operations made once and used for every batch, a block cache for everything.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ClassicLevel } from "classic-level";
import { BATCH_ENTRIES, KEY_BYTES, VALUE_BYTES } from "./workload.ts";
import type { Workload } from "./workload.ts";

export type Level = ClassicLevel<Uint8Array, Uint8Array>;

export interface LevelOptions {
  readonly compression: boolean;
  /** LevelDB's own default is 4 MiB, as Weir's is. */
  readonly writeBufferBytes?: number;
}

/** Opens a database in a directory of its own, which is gone when `work` is done. */
export async function withLevel<Result>(
  options: LevelOptions,
  work: (level: Level) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const level: Level = new ClassicLevel(directory, {
    keyEncoding: "view",
    valueEncoding: "view",
    compression: options.compression,
    cacheSize: 1024 * 1024 * 1024,
    maxOpenFiles: 1000,
    writeBufferSize: options.writeBufferBytes ?? 4 * 1024 * 1024,
  });
  try {
    await level.open();
    return await work(level);
  } finally {
    await level.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

export async function putAllInLevel(level: Level, workload: Workload): Promise<void> {
  const keys = new Uint8Array(BATCH_ENTRIES * KEY_BYTES);
  const values = new Uint8Array(BATCH_ENTRIES * VALUE_BYTES);
  const operations = Array.from({ length: BATCH_ENTRIES }, (_, index) => ({
    type: "put" as const,
    key: keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES),
    value: values.subarray(index * VALUE_BYTES, (index + 1) * VALUE_BYTES),
  }));
  for (let from = 0; from < workload.entries; from += BATCH_ENTRIES) {
    const count = Math.min(BATCH_ENTRIES, workload.entries - from);
    keys.set(workload.keys.subarray(from * KEY_BYTES, (from + count) * KEY_BYTES));
    for (let index = 0; index < count; index++) {
      values.set(workload.value(from + index), index * VALUE_BYTES);
    }
    await level.batch(count === BATCH_ENTRIES ? operations : operations.slice(0, count));
  }
}

/** Waits until LevelDB's threads have compacted what they find worth it. */
export async function settleLevel(level: Level): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    const before = process.cpuUsage();
    await setTimeout(50);
    const { user, system } = process.cpuUsage(before);
    const filesOfLevel0 = Number(level.getProperty("leveldb.num-files-at-level0"));
    quiet = user + system < 5_000 && filesOfLevel0 < 4 ? quiet + 1 : 0;
  }
}
