/**
 * The engine against a sorted map; engine-model.ts says how. test/deep/engine/engine-model.ts does the same
 * a million times.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EngineTuning } from "../../state-engine/index.ts";
import { command, crowdedCommand, longKeyCommand } from "./engine-command.ts";
import type { Command } from "./engine-command.ts";
import { COMPRESSED } from "./engine-fixture.ts";
import { Subject } from "./engine-model.ts";
import { watchedVersions } from "./watched-versions.ts";

const RUNS = Number(process.env["WEIR_RUNS"] ?? 150);

/** Tiny blocks as they are; blocks worth compressing, with either codec; memtables that are sorted by packed keys. */
const tunings = fc.constantFrom<Partial<EngineTuning>>(
  {},
  { memtableEntries: 64 },
  { ...COMPRESSED, compression: "deflate-raw" },
  { ...COMPRESSED, compression: "zstd", memtableEntries: 64 },
);

test("the engine answers as a sorted map does, whatever happens in between, with every codec", async () => {
  const commands = fc.array(command, { maxLength: 120, size: "max" });
  const decompressed = await agreement(tunings, commands);
  expect(decompressed["none"]).toBe(0);
  expect(decompressed["deflate-raw"]).toBeGreaterThan(0);
  expect(decompressed["zstd"]).toBeGreaterThan(0);
});

test("and so it does with long keys whose first bytes are alike", async () => {
  const commands = fc.array(longKeyCommand, { minLength: 60, maxLength: 150, size: "max" });
  await expect(agreement(tunings, commands, RUNS / 5)).resolves.toMatchObject({ none: 0 });
});

test("and so it does where several tables of a run begin with the same bytes and their bounds are shortened to these", async () => {
  const tuning = fc.record({
    boundBytes: fc.constantFrom(4, 5, 6),
    tableBytes: fc.constantFrom(40, 100),
  });
  const commands = fc.array(crowdedCommand, { minLength: 60, maxLength: 200, size: "max" });
  await expect(agreement(tuning, commands)).resolves.toEqual({ none: 0 });
});

test("and so it does when every compaction loses its memory after every table", async () => {
  const tuning = fc.record({ boundBytes: fc.constantFrom(4, 6, 256) });
  const commands = fc.array(fc.oneof(command, crowdedCommand), { maxLength: 120, size: "max" });
  const property = fc.asyncProperty(tuning, commands, async (tuned, steps) => {
    const subject = new Subject(tuned);
    for (const step of steps) {
      if (step.kind !== "maintain") await subject.run(step);
      else for (let time = 0; time < step.times; time++) await subject.interrupt();
    }
    await subject.check();
    for (let losses = 0; losses < 40 && (await subject.interrupt()); losses++)
      await subject.check();
    while (await subject.engine.maintain());
    await subject.check();
  });
  await expect(fc.assert(property, { numRuns: Math.ceil(RUNS / 5) })).resolves.toBeUndefined();
});

/** Rejects with the first sequence after which the two differ. Answers the blocks that were decompressed, by codec. */
async function agreement(
  tuning: fc.Arbitrary<Partial<EngineTuning>>,
  commands: fc.Arbitrary<readonly Command[]>,
  runs = RUNS,
): Promise<Record<string, number>> {
  const decompressed: Record<string, number> = {};
  const versions = watchedVersions();
  let deltas = 0;
  await fc.assert(
    fc.asyncProperty(tuning, commands, async (tuned, steps) => {
      const subject = new Subject(tuned);
      for (const step of steps) await subject.run(step);
      await subject.check();
      while (await subject.engine.maintain());
      await subject.check();
      deltas += subject.chain.deltas;
      const codec = tuned.compression ?? "none";
      decompressed[codec] = (decompressed[codec] ?? 0) + subject.decompressed;
    }),
    { numRuns: Math.ceil(runs) },
  );
  expect(watchedVersions() - versions).toBeGreaterThan(runs);
  expect(deltas).toBeGreaterThan(0);
  return decompressed;
}
