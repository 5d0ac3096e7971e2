/** A property that fails says how to fail again, and does. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("replay-seed.ts", import.meta.url));
const property = fc.property(fc.nat(), (number) => number < 1_000_000);

test("a failed property prints its seed, and WEIR_SEED meets the same counterexample again", () => {
  const failure = messageOf(() => fc.assert(property, { numRuns: 1_000 }));
  const [, seed] = /Replay: WEIR_SEED=(-?\d+) npx vitest run/.exec(failure)!;
  const [, counterexample] = /Counterexample: (.*)/.exec(failure)!;
  const program = `
    await import(${JSON.stringify(script)});
    const fc = await import("fast-check");
    fc.assert(fc.property(fc.nat(), (number) => number < 1_000_000), { numRuns: 1_000 });
  `;
  const options = { env: { ...process.env, WEIR_SEED: seed }, encoding: "utf8" } as const;
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program],
    options,
  );
  expect(status).toBe(1);
  expect(stderr).toContain(`seed: ${seed}`);
  expect(stderr).toContain(`Counterexample: ${counterexample}`);
});

function messageOf(failing: () => void): string {
  try {
    failing();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Nothing failed.");
}
