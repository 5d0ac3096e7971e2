/** A page reads the golden files of every format version, whatever codec they are written with. */
import { describe, expect, test } from "vitest";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { expectGoldenCheckpoint, goldenCheckpointsIn } from "../contract/golden-checkpoints.ts";
import { browserEnvironment } from "./browser-environment.ts";

const environment = browserEnvironment();
const PREFIX = "golden/0123456789abcdef";
const manifests = [1, 2, 3, 4, 5].map((id) => `chk-${id}/manifest.json`);
const folders = [
  { version: 1, tables: [0, 1, 2].flatMap((index) => [`p${index}-0.sst`, `p${index}-2.sst`]) },
  { version: 2, tables: [0, 1, 2, 3, 4].map((object) => `p0-${object}.sst`) },
];

describe.for(folders)("Golden files of format version $version in a browser", (folder) => {
  test.for([0, 1, 2, 3, 4])("hold checkpoint %i as it was written", async (line) => {
    const root = `/test/fixtures/format-v${folder.version}`;
    const contents = await (await fetch(`${root}/contents.ndjson`)).text();
    const blobStore = new MemoryBlobStore(environment);
    for (const name of [...folder.tables, ...manifests]) {
      const answer = await fetch(`${root}/${PREFIX}/${name}`);
      expect(answer.status).toBe(200);
      await blobStore.put(`${PREFIX}/${name}`, new Uint8Array(await answer.arrayBuffer()));
    }
    await expectGoldenCheckpoint(goldenCheckpointsIn(contents)[line]!, blobStore, environment);
  });
});
