/**
 * The engine against a sorted map; engine-model.ts says how. test/deep/engine/engine-model.ts does the same
 * a million times.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { EngineTuning } from "../../state-engine/index.ts";
import { command, crowdedCommand } from "./engine-command.ts";
import type { Command } from "./engine-command.ts";
import { Subject } from "./engine-model.ts";

const RUNS = Number(process.env["WEIR_RUNS"] ?? 150);

test("the engine answers as a sorted map does, whatever happens in between", async () => {
  const commands = fc.array(command, { maxLength: 120, size: "max" });
  await expect(agreement(fc.constant({}), commands)).resolves.toBeUndefined();
});

test("and so it does where several tables of a run begin with the same bytes and their bounds are shortened to these", async () => {
  const tuning = fc.record({
    boundBytes: fc.constantFrom(4, 5, 6),
    tableBytes: fc.constantFrom(40, 100),
  });
  const commands = fc.array(crowdedCommand, { minLength: 60, maxLength: 200, size: "max" });
  await expect(agreement(tuning, commands)).resolves.toBeUndefined();
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

/** Rejects with the first sequence after which the two differ. */
async function agreement(
  tuning: fc.Arbitrary<Partial<EngineTuning>>,
  commands: fc.Arbitrary<readonly Command[]>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(tuning, commands, async (tuned, steps) => {
      const subject = new Subject(tuned);
      for (const step of steps) await subject.run(step);
      await subject.check();
      while (await subject.engine.maintain());
      await subject.check();
    }),
    { numRuns: RUNS },
  );
}
