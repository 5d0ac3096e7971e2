/** A page reads the golden files of format version 1, whatever codec they are written with. */
import { expect, test } from "vitest";
import {
  MemoryBlobStore,
  int64Addition,
  openReadOnly,
  resolveChain,
} from "../../state-engine/index.ts";
import type { GoldenCheckpoint } from "../state-engine/golden/golden-files.ts";
import { browserEnvironment } from "./browser-environment.ts";

const COUNT_STATE = 2;
const FOLDER = "/test/fixtures/format-v1";
const environment = browserEnvironment();

test.for([0, 1, 2, 3, 4])("golden checkpoint %i is what it was", async (line) => {
  const golden = (await goldenCheckpoints())[line]!;
  const blobStore = await storeOfFixtures();
  const { partitions } = await resolveChain(blobStore, golden.path, environment);
  expect(partitions).toHaveLength(3);
  for (const [position, { entries }] of golden.partitions.entries()) {
    const { tables, keyGroups, time } = partitions[position]!;
    const mergeOperators = new Map([[COUNT_STATE, int64Addition]]);
    const engine = openReadOnly({
      environment,
      blobStore,
      tables,
      keyGroups,
      time,
      mergeOperators,
    });
    const page = await engine.scan({});
    expect(page.entries.map(({ key, value }) => [hex(key), hex(value)])).toEqual(entries);
    engine.close();
  }
});

async function goldenCheckpoints(): Promise<GoldenCheckpoint[]> {
  const text = await (await fetch(`${FOLDER}/contents.ndjson`)).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as GoldenCheckpoint);
}

/** The files as the test server has them. */
async function storeOfFixtures(): Promise<MemoryBlobStore> {
  const blobStore = new MemoryBlobStore(environment);
  const prefix = "golden/0123456789abcdef";
  const tables = [0, 1, 2].flatMap((index) => [`p${index}-0.sst`, `p${index}-2.sst`]);
  const manifests = [1, 2, 3, 4, 5].map((id) => `chk-${id}/manifest.json`);
  for (const name of [...tables, ...manifests]) {
    const answer = await fetch(`${FOLDER}/${prefix}/${name}`);
    expect(answer.status).toBe(200);
    await blobStore.put(`${prefix}/${name}`, new Uint8Array(await answer.arrayBuffer()));
  }
  return blobStore;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
