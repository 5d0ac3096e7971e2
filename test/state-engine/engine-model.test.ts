/**
 * The engine against a sorted map; engine-model.ts says how. test/deep/engine/engine-model.ts does the same
 * a million times.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { command } from "./engine-command.ts";
import { Subject } from "./engine-model.ts";

test("the engine answers as a sorted map does, whatever happens in between", async () => {
  const property = fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 120, size: "max" }), async (commands) => {
      const subject = new Subject();
      for (const step of commands) await subject.run(step);
      await subject.check();
      while (await subject.engine.maintain());
      await subject.check();
    }),
    { numRuns: Number(process.env["WEIR_RUNS"] ?? 150) },
  );
  await expect(property).resolves.toBeUndefined();
});
