/** The records of one sink among the lines of all, piece by piece. */
import { expect, it } from "vitest";
import type { OutputSegment } from "../../../durable-objects/coordinator-queries.ts";
import { lineBatches } from "../../../durable-objects/sinks/line-batches.ts";
import { RecordCursor, type OutputPlace } from "../../../durable-objects/sinks/record-cursor.ts";
import { MemoryBlobStore } from "../../../state-engine/index.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const mebibyte = 1024 * 1024;

/** Lines of three outputs, some longer than a piece, in segments here and in objects. */
async function output(seed: number) {
  const random = new SeededRandom(seed);
  const blobStore = new MemoryBlobStore({ now: () => 0 });
  const segments: OutputSegment[] = [];
  const records: string[] = [];
  for (let segment = 0; segment < 6; segment++) {
    const lines: string[] = [];
    for (let count = random.integer(30); count > 0; count--) {
      const value = JSON.stringify("é\\n{}".repeat(sizeOf(random)));
      const name = ["a", "ab", 'a"'][random.integer(3)]!;
      const key = random.integer(2) === 0 ? `"key":${count},` : "";
      lines.push(`{"output":${JSON.stringify(name)},${key}"value":${value}}`);
      if (name === "a") records.push(key === "" ? value : `{${key}"value":${value}}`);
    }
    const lineEnd = random.integer(2) === 0 ? "\n" : "";
    const bytes = new TextEncoder().encode(lines.join("\n") + (lines.length > 0 ? lineEnd : ""));
    const place = { kind: "results", row: 1_100 + (segment >> 1), segment, checkpoint: 1 } as const;
    if (segment % 2 === 0) {
      segments.push({ ...place, size: bytes.length, data: { inline: bytes } });
    } else {
      await blobStore.put(`object-${segment}`, bytes);
      segments.push({ ...place, size: bytes.length, data: { path: `object-${segment}` } });
    }
  }
  return { blobStore, segments, records };
}

function sizeOf(random: SeededRandom): number {
  const chance = random.integer(40);
  return chance === 0 ? 400_000 : chance < 4 ? 60_000 : random.integer(50);
}

it("finds exactly the records of its sink, and any batch can be read again from where it begins", async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { blobStore, records, segments } = await output(seed);
    const read = async (from?: OutputPlace) => {
      const cursor = new RecordCursor({ sink: "a", output: segments, blobStore, from });
      const batches: { lines: readonly string[]; next: OutputPlace }[] = [];
      for await (const { bytes, next } of lineBatches(
        cursor,
        { maxRecords: 4, maxBytes: 200_000 },
        0,
      )) {
        batches.push({ lines: new TextDecoder().decode(bytes).split("\n").slice(0, -1), next });
      }
      return batches;
    };
    const batches = await read();
    expect(batches.flatMap(({ lines }) => lines)).toEqual(records);
    for (const [index, { next }] of batches.entries()) {
      expect(await read(next)).toEqual(batches.slice(index + 1));
    }
  }
});

it("says which output is missing", async () => {
  const segment: OutputSegment = {
    kind: "results",
    row: 1_100,
    segment: 0,
    checkpoint: 1,
    size: mebibyte,
    data: { path: "gone" },
  };
  const cursor = new RecordCursor({
    sink: "a",
    output: [segment],
    blobStore: new MemoryBlobStore({ now: () => 0 }),
  });
  await expect(cursor.advance()).rejects.toThrow("path=gone");
});
