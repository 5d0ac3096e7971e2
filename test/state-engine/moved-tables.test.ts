/**
 * Tables that change their place from checkpoint to checkpoint, as compactions move them or leave a part of them, but
 * from any level to any: the chain comes to where they stand now. Of references alone; no table is written.
 */
import { expect, test } from "vitest";
import type { TableReference } from "../../state-engine/index.ts";
import { encodeHex } from "../../state-engine/bytes/text.ts";
import { FORMAT_VERSION } from "../../state-engine/sst/format.ts";
import { NARROWED_FORMAT_VERSION } from "../../state-engine/version/table-reference.ts";
import { BOTTOM_LEVEL } from "../../state-engine/version/version.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { CheckpointChain } from "./checkpoint-chain.ts";
import { testEnvironment } from "./engine-fixture.ts";
import { tableReference } from "./table-reference-fixture.ts";

const CHECKPOINTS = 400;
const TABLES = 12;

/**
 * Every level, a run of it, and perhaps a key from which the table counts: later than the one it has. Or none any more,
 * as when an engine takes it over whose keys begin there.
 */
function movedTo(table: TableReference, random: SeededRandom): TableReference {
  const place = { level: random.integer(BOTTOM_LEVEL + 1), run: random.integer(4) };
  if (random.chance(0.2)) {
    const { fromKey: _from, ...whole } = table;
    return { ...whole, ...place, formatVersion: FORMAT_VERSION };
  }
  const before = table.fromKey === undefined ? 0 : Number.parseInt(table.fromKey.slice(-2), 16);
  if (before === 255 || random.chance(0.6)) return { ...table, ...place };
  const fromKey = encodeHex(Uint8Array.of(0, 1, 0, 1, random.between(before + 1, 255)));
  return { ...table, ...place, fromKey, formatVersion: NARROWED_FORMAT_VERSION };
}

test("a chain of manifests comes to where tables were moved, whatever their level, and to what is left of them there", async () => {
  const random = new SeededRandom(1);
  const chain = new CheckpointChain(testEnvironment());
  let tables: readonly TableReference[] = [];
  for (let sequence = 1; sequence <= CHECKPOINTS; sequence++) {
    const gone = random.integer(TABLES);
    const left = tables.length === TABLES ? tables.toSpliced(gone, 1) : tables;
    const moved = left.map((table) => (random.chance(0.2) ? movedTo(table, random) : table));
    tables = [tableReference(`table-${sequence}`), ...moved];
    const resolved = await chain.complete({ tables, sequence }, sequence);
    expect(resolved).toHaveLength(tables.length);
  }
  const levels = Array.from({ length: BOTTOM_LEVEL + 1 }, (_, level) => level);
  const everywhere = levels.flatMap((level) => [`${level}`, `${level} in part`]);
  expect([...chain.moves].toSorted()).toEqual(everywhere);
  expect(chain.deltas).toBeGreaterThan(CHECKPOINTS * 0.9);
});
