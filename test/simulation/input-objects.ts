/**
 * The objects from which a simulated job reads its lines: one for each batch, dealt out to the sources
 * by the product's own rule, plain or compressed. Some are broken from some line on; what stands before
 * counts, the rest is left out.
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sourceOfObject } from "../../durable-objects/source/feeds/object-list.ts";
import { ScriptedInputs } from "../support/scripted-inputs.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { type FedInput, OBJECT_PREFIX } from "./fed-input.ts";

/** Small pages, so that a listing is torn by what goes wrong. */
const PAGE_SIZE = 3;
/** No line of it may enter a log. */
const BROKEN_REST = Buffer.from([0xff, 0xfe, 10, ...Buffer.from("a line behind a broken one")]);

export function inputObjects({ batches }: FedInput, seed: number): ScriptedInputs {
  const inputs = new ScriptedInputs({ pageSize: PAGE_SIZE });
  const random = new SeededRandom(seed).fork();
  for (const [source, own] of batches.entries()) {
    for (const [number, lines] of own.entries()) {
      const text = Buffer.from(`${lines.join(random.pick(["\n", "\r\n", "\n\n"]))}\n`);
      const whole = random.chance(0.1) ? Buffer.concat([text, BROKEN_REST]) : text;
      const [extension, bytes, encoding] = packed(random, whole);
      inputs.put(keyFor(source, batches.length, number, extension), bytes, encoding);
    }
  }
  return inputs;
}

function packed(random: SeededRandom, bytes: Buffer): readonly [string, Uint8Array, string?] {
  switch (random.integer(5)) {
    case 0:
      return [".gz", gzipSync(bytes)];
    case 1:
      return [".zst", zstdCompressSync(bytes)];
    case 2:
      return ["", gzipSync(bytes), "gzip"];
    default:
      return [".ndjson", bytes];
  }
}

/** A key whose object this source reads, behind those with smaller numbers. */
function keyFor(source: number, sources: number, number: number, extension: string): string {
  for (let salt = 0; ; salt++) {
    const key = `${OBJECT_PREFIX}${String(number).padStart(4, "0")}-${source}-${salt}${extension}`;
    if (sourceOfObject(key, sources) === source) return key;
  }
}
