/**
 * The shared memory of an isolate. Members that are collected are forgotten: that is tried in a process
 * of its own, which can collect garbage when it wants.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SharedMemoryPool } from "../../state-engine/index.ts";

describe("SharedMemoryPool", () => {
  test("divides its limit among those who joined and did not leave", () => {
    const pool = new SharedMemoryPool(100);
    const members = [{ usedBytes: 1 }, { usedBytes: 2 }, { usedBytes: 3 }];
    expect(pool.share()).toBe(100);
    for (const member of members) pool.join(member);
    expect(pool.share()).toBe(33);
    pool.leave(members[1]!);
    expect(pool.share()).toBe(50);
    pool.leave(members[1]!);
    expect(pool.share()).toBe(50);
  });

  test("gives the share of members that were collected to those who live, without being told", async () => {
    const script = fileURLToPath(new URL("memory-pool-process.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script]);
    expect(JSON.parse(stdout)).toEqual({ before: 10, after: 50 });
  });
});
