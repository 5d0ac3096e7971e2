import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SourceLog, skipLines } from "../../../durable-objects/source/log.ts";
import type { LogEnd } from "../../../durable-objects/source/log.ts";
import { createSourceTables } from "../../../durable-objects/source/schema.ts";
import { NodeStorage } from "../../support/node-storage.ts";

const start: LogEnd = { line: 0, byte: 0, arrivalTime: 0 };
const encode = (text: string) => new TextEncoder().encode(text);

function openLog(storage = new NodeStorage(), emptyEnd = start): SourceLog {
  createSourceTables(storage);
  return new SourceLog(storage, emptyEnd);
}

function linesOf(log: SourceLog, from: number, maxBytes: number): string[] {
  return log.read(from, maxBytes).flatMap(({ bytes, firstLine, lines }) => {
    const texts = new TextDecoder().decode(bytes).split("\n");
    expect(texts.length).toBe(lines);
    return texts.slice(Math.max(0, from - firstLine));
  });
}

test("a log reads back what was appended, from any line, in slices, after truncation and after a restart", () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/);
  const step = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 5 }),
    fc.record({ truncate: fc.nat(60) }),
    fc.constant("restart" as const),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 50 }),
      (steps, slice) => {
        const storage = new NodeStorage();
        let log = openLog(storage);
        const all: string[] = [];
        let bytes = 0;
        let truncated = 0;
        for (const one of steps) {
          if (one === "restart") {
            log = openLog(storage, log.end);
          } else if (Array.isArray(one)) {
            const segment = encode(one.join("\n"));
            log.committed(log.append(one.length, segment, 5));
            all.push(...one);
            bytes += segment.length;
          } else {
            log.truncate(Math.min(one.truncate, all.length));
            truncated = Math.max(truncated, Math.min(one.truncate, all.length));
          }
          expect(log.firstLine).toBeLessThanOrEqual(truncated);
          expect(log.end).toMatchObject({ line: all.length, byte: bytes });
          expect(log.bytesKept).toBe(bytes - log.byteAt(log.firstLine));
          for (let line = log.firstLine; line < all.length;) {
            const read = linesOf(log, line, slice);
            expect(read.length).toBeGreaterThan(0);
            expect(read).toEqual(all.slice(line, line + read.length));
            line += read.length;
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("what was truncated is not read as something else", () => {
  const log = openLog();
  log.committed(log.append(2, encode("a\nb"), 1));
  log.committed(log.append(1, encode("c"), 1));
  expect(log.truncate(1)).toBe(0);
  expect(log.truncate(2)).toBe(1);
  expect(log.read(0, 100)).toEqual([]);
  expect(log.firstLine).toBe(2);
  expect(log.truncate(3)).toBe(1);
  expect(log.bytesKept).toBe(0);
  expect(log.end.line).toBe(3);
});

test("[15] arrival times never go back", () => {
  const log = openLog();
  log.committed(log.append(1, encode("a"), 10));
  log.committed(log.append(1, encode("b"), 7));
  expect(log.read(0, 100).map(({ arrivalTime }) => arrivalTime)).toEqual([10, 10]);
});

test("skipping lines leaves a buffer of its own", () => {
  const bytes = encode("a\nbb\nc");
  expect(new TextDecoder().decode(skipLines(bytes, 2))).toBe("c");
  expect(skipLines(bytes, 1).buffer.byteLength).toBe(4);
  expect(skipLines(bytes, 3).length).toBe(0);
});
