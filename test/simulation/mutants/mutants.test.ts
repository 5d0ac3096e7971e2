/**
 * Every breakage of the protocol is caught in the world whose seed docs/correctness.md lists for it, and that
 * world keeps every promise where nothing is broken. The oracles can see, and see nothing that is not there.
 *
 * A change of the product may move the seeds. WRITE_SEEDS=1 looks for the first seed that catches each mutant, in a
 * bounded number of worlds made for it, and writes the table anew.
 */
import { afterAll, expect, it } from "vitest";
import { report } from "../../support/report.ts";
import { simulate } from "../simulate.ts";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { documentedRows, rowOf, writeRows } from "./seed-table.ts";
import { mutantScenario } from "./worlds.ts";

const SEEDS = 60;
/** These worlds end after some thousand events: a mutant that never does is not followed for long. */
const patience = 0.1;
const REWRITE = "WRITE_SEEDS=1 npx vitest run test/simulation/mutants --project node";
const isWriting = process.env["WRITE_SEEDS"] !== undefined;

interface Catch {
  readonly seed: number;
  readonly failure: string;
}

/** What was documented; more seeds only when that one catches nothing, or is not there. */
const documented = documentedRows();
const caughtBy = new Map<Mutant, number>();

async function catchOf(mutant: Mutant, seeds: Iterable<number>): Promise<Catch | undefined> {
  for (const seed of seeds) {
    const { failure } = await simulate(mutantScenario(seed, mutant.world), { mutant, patience });
    if (failure !== undefined) return { seed, failure };
  }
  return undefined;
}

function* upTo(last: number): Generator<number> {
  for (let seed = 1; seed <= last; seed++) yield seed;
}

it.each(MUTANTS)("[rule $rule] catches a job that $name", async (mutant) => {
  const listed = Number(documented.find(([name]) => name === mutant.name)?.[3] ?? 0);
  const found =
    (isWriting || listed === 0 ? undefined : await catchOf(mutant, [listed])) ??
    (await catchOf(mutant, upTo(SEEDS)));
  expect(found).toBeDefined();
  const { failure, seed } = found!;
  caughtBy.set(mutant, seed);
  report(`[rule ${mutant.rule}] ${mutant.name}: seed ${seed}: ${failure.split("\n")[0]}`);
  expect(
    (await simulate(mutantScenario(seed, mutant.world), { patience })).failure,
  ).toBeUndefined();
  if (isWriting) return;
  expect(
    seed,
    `docs/correctness.md lists seed ${listed}, which shows nothing. Run ${REWRITE}`,
  ).toBe(listed);
});

it("lists every mutant in docs/correctness.md with its place, its rule and a seed", () => {
  const expected = MUTANTS.map((mutant) => rowOf(mutant, caughtBy.get(mutant) ?? 0));
  expect(isWriting ? expected : documented, `Run ${REWRITE}`).toEqual(expected);
});

afterAll(() => {
  if (!isWriting || caughtBy.size < MUTANTS.length) return;
  writeRows(MUTANTS.map((mutant) => rowOf(mutant, caughtBy.get(mutant)!)));
});
