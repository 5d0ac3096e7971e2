/**
 * Files of every format version that was ever released are read for ever, and mean what they meant.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FolderBlobStore } from "../../../cli/folder-blob-store.ts";
import {
  StateEngineError,
  decodeManifest,
  openReadOnly,
  resolveChain,
} from "../../../state-engine/index.ts";
import type { Manifest, PartitionTables } from "../../../state-engine/index.ts";
import type { ManifestPartition } from "../../../state-engine/manifest/manifest.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import type { TableReference } from "../../../state-engine/version/table-reference.ts";
import { FOOTER_BYTES } from "../../../state-engine/sst/format.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { mergeOperators } from "../engine-fixture.ts";
import { FIXTURES, NARROWED_FIXTURES } from "./golden-files.ts";
import type { GoldenCheckpoint } from "./golden-files.ts";

const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(1) });
const blobStore = new FolderBlobStore(FIXTURES);
const checkpoints = checkpointsIn(FIXTURES);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const folders = [
  { folder: FIXTURES, version: 1 },
  { folder: NARROWED_FIXTURES, version: 2 },
];

describe.for(folders)("Golden files of format version $version", ({ folder }) => {
  const store = new FolderBlobStore(folder);

  test.for(checkpointsIn(folder))(
    "hold checkpoint $id as it was written ($kind)",
    async (golden) => {
      const { manifest, partitions } = await resolveChain(store, golden.path, environment);
      expect(manifest).toMatchObject({
        formatVersion: golden.formatVersion,
        id: golden.id,
        kind: golden.kind,
        parent: golden.parent,
      });
      expect(manifest.sources.map(({ offset }) => offset)).toEqual(golden.offsets);
      expect(partitions.map(({ index, time }) => ({ index, time }))).toEqual(
        golden.partitions.map(({ index, time }) => ({ index, time })),
      );
      for (const [position, { entries }] of golden.partitions.entries()) {
        expect(await scanned(store, partitions[position]!, false)).toEqual(entries);
        expect(await scanned(store, partitions[position]!, true)).toEqual(entries.toReversed());
        const keys = entries.map(([key]) => new Uint8Array(Buffer.from(key, "hex")));
        const values = await open(store, partitions[position]!).getMany(keys);
        expect(values.map((value) => value && hex(value))).toEqual(
          entries.map(([, value]) => value),
        );
      }
    },
  );
});

describe("Golden files", () => {
  test("of format version 1 hold every feature of it", async () => {
    const codecs = new Set<number>();
    const kinds = new Set<string>();
    for (const { path } of checkpoints) {
      const manifest = await readManifest(path);
      kinds.add(`${manifest.kind} ${manifest.parent === null ? "full" : "delta"}`);
      for (const { added, removed, moved } of manifest.partitions) {
        if (removed.length > 0) kinds.add("removed");
        if (moved.length > 0) kinds.add("moved");
        for (const table of added) {
          const bytes = await bytesOf(table);
          codecs.add(bytes[0]!);
          if (table.inline !== undefined) kinds.add("inline");
          if (table.offset > 0) kinds.add("packed");
          if (table.deletedRanges) kinds.add("deleted ranges");
          if (table.expiry) kinds.add("expiry");
          if (table.tombstones > 0) kinds.add("tombstones");
          if (table.level < 6) kinds.add("operands");
          if (bytes.length > 0 && readU32(bytes, bytes.length - FOOTER_BYTES + 12) > 0) {
            kinds.add("filter");
          }
        }
      }
    }
    expect([...codecs].sort((left, right) => left - right)).toEqual([0, 1, 2]);
    expect([...kinds].sort()).toEqual([
      "checkpoint delta",
      "checkpoint full",
      "deleted ranges",
      "expiry",
      "filter",
      "inline",
      "moved",
      "operands",
      "packed",
      "removed",
      "savepoint full",
      "tombstones",
    ]);
  });

  test("of format version 2 hold tables that show only a part, and bounds that say no order", async () => {
    const store = new FolderBlobStore(NARROWED_FIXTURES);
    const kinds = new Set<string>();
    for (const { path } of checkpointsIn(NARROWED_FIXTURES)) {
      const { formatVersion, partitions, parent } = await readManifest(path, store);
      const [{ added, moved }] = partitions as [ManifestPartition];
      const narrowed = [...added, ...moved].filter(({ fromKey }) => fromKey !== undefined);
      expect(formatVersion).toBe(narrowed.length > 0 ? 2 : 1);
      if (moved.some(({ fromKey }) => fromKey !== undefined)) kinds.add("moved from a key");
      for (const { fromKey, formatVersion: version, level, smallestKey, position } of added) {
        expect(version).toBe(fromKey === undefined ? 1 : 2);
        if (fromKey !== undefined) kinds.add(`${parent === null ? "full" : "delta"} from a key`);
        const isShared = (other: TableReference): boolean =>
          other.smallestKey === smallestKey && other.position !== position;
        if (added.some((other) => other.level === level && level > 0 && isShared(other))) {
          kinds.add("same bound");
        }
      }
    }
    expect([...kinds].sort()).toEqual([
      "delta from a key",
      "full from a key",
      "moved from a key",
      "same bound",
    ]);
  });
});

describe("Formats this code does not know", () => {
  test.for([
    { name: "format version", offset: 24, value: 2, said: "format=2 features=0" },
    { name: "format version", offset: 24, value: 0, said: "format=0 features=0" },
    { name: "feature flag", offset: 28, value: 1, said: "format=1 features=1" },
    { name: "feature flag", offset: 28, value: 0x8000_0000, said: "features=2147483648" },
  ])("are refused with an unknown $name in a footer: $said", async ({ offset, value, said }) => {
    const { partitions } = await resolveChain(blobStore, checkpoints[0]!.path, environment);
    const [table] = partitions[0]!.tables;
    const bytes = await bytesOf(table!);
    const footer = new DataView(bytes.buffer, bytes.length - FOOTER_BYTES);
    footer.setUint32(offset, value, true);
    footer.setUint32(36, crc32(bytes.subarray(-FOOTER_BYTES, -12)), true);
    const inline = Buffer.from(bytes).toString("base64");
    const changed = { ...partitions[0]!, tables: [{ ...table!, offset: 0, inline }] };
    const read = open(blobStore, changed).scan({});
    await expect(read).rejects.toMatchObject({ name: "StateEngineError", kind: "invalid" });
    await expect(read).rejects.toThrow(
      `table ${table!.id} (${table!.path}, offset 0) has a format or a feature`,
    );
    await expect(read).rejects.toThrow(said);
  });

  test("are refused with an unknown format version in a manifest or a table's reference", async () => {
    const { path } = checkpoints[0]!;
    const text = Buffer.from((await blobStore.get(path))!).toString("utf8");
    for (const version of [0, 3]) {
      const body = `{${text.slice(text.indexOf(",") + 1)}`.replace(
        '"formatVersion":1',
        `"formatVersion":${version}`,
      );
      const bytes = Buffer.from(`{"crc32":${crc32(body)},${body.slice(1)}`);
      const decode = (): Manifest => decodeManifest(bytes, environment, path);
      expect(decode).toThrow(StateEngineError);
      expect(decode).toThrow(`Manifest ${path} has a format this code does not know`);
      expect(decode).toThrow(`format=${version} known=1,2`);
    }
    const { partitions } = await resolveChain(blobStore, path, environment);
    const [table] = partitions[0]!.tables;
    const changed = { ...partitions[0]!, tables: [{ ...table!, formatVersion: 2 }] };
    expect(() => open(blobStore, changed)).toThrow(`Table ${table!.id} has a format`);
  });
});

function checkpointsIn(folder: string): readonly GoldenCheckpoint[] {
  const lines = readFileSync(join(folder, "contents.ndjson"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as GoldenCheckpoint);
}

async function readManifest(path: string, store: BlobStore = blobStore): Promise<Manifest> {
  return decodeManifest((await store.get(path))!, environment, path);
}

async function bytesOf({ path, offset, size, inline }: TableReference): Promise<Uint8Array> {
  if (inline !== undefined) return new Uint8Array(Buffer.from(inline, "base64"));
  return (await blobStore.getRange(path, offset, size))!;
}

function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

function open(
  blobs: BlobStore,
  { tables, keyGroups, time }: PartitionTables,
): ReturnType<typeof openReadOnly> {
  return openReadOnly({ environment, blobStore: blobs, tables, keyGroups, time, mergeOperators });
}

async function scanned(
  blobs: BlobStore,
  partition: PartitionTables,
  reverse: boolean,
): Promise<string[][]> {
  const engine = open(blobs, partition);
  const { entries } = await engine.scan({ reverse });
  engine.close();
  return entries.map(({ key, value }) => [hex(key), hex(value)]);
}
