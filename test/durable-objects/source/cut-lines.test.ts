/** The line cutter against a naive splitter, at every place a stream could be torn. */
import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutLines } from "../../../durable-objects/lines/cut-lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

interface Outcome {
  readonly lines: readonly string[];
  /** Number, from 1, of the line in the body that ended the cutting. */
  readonly problem?: { readonly kind: string; readonly line: number };
}

/** What cutting means, said as simply as possible. */
function splitNaively(body: Uint8Array, limitBytes: number): Outcome {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index < body.length; index++) {
    if (body[index] !== 10) continue;
    pieces.push(body.subarray(start, index));
    start = index + 1;
  }
  if (start < body.length) pieces.push(body.subarray(start));
  const lines: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    const line = piece.at(-1) === 13 ? piece.subarray(0, -1) : piece;
    if (line.length > limitBytes)
      return { lines, problem: { kind: "lineTooLong", line: index + 1 } };
    if (!isUtf8(line)) return { lines, problem: { kind: "notUtf8", line: index + 1 } };
    if (line.length > 0) lines.push(decoder.decode(line));
  }
  return { lines };
}

/** Feeds the cutter as the body reader does: full buffers, the rest carried over. */
function cutInBuffers(body: Uint8Array, limitBytes: number): Outcome {
  const lines: string[] = [];
  let bodyLines = 0;
  let position = 0;
  for (;;) {
    const buffer = body.subarray(position, position + limitBytes + 2);
    const isEnd = position + buffer.length === body.length;
    const cut = cutLines(buffer, { isEnd, isUtf8, limitBytes });
    bodyLines += cut.bodyLines;
    position += cut.consumed;
    const added = cut.bytes === undefined ? [] : decoder.decode(cut.bytes).split("\n");
    lines.push(...added);
    expect(added).toHaveLength(cut.lines);
    expect(cut.bytes?.length ?? 0).toBeLessThanOrEqual(limitBytes);
    expect(cut.bytes?.buffer.byteLength).toBe(cut.bytes?.length);
    if (cut.problem !== undefined) {
      return { lines, problem: { kind: cut.problem, line: bodyLines + 1 } };
    }
    if (position === body.length) return { lines };
    if (cut.consumed === 0) throw new Error("The cutter makes no progress on a full buffer.");
  }
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "bc", "é", "𝄞x", " ", "def") },
  { weight: 3, arbitrary: fc.constantFrom("\n", "\r\n", "\n\n", "\r", "\r\r\n") },
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => encoder.encode(pieces.join("")));

describe("the line cutter", () => {
  test("[IN1] agrees with a naive splitter on text with every mixture of line ends", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 24 }), (body, limitBytes) => {
        expect(cutInBuffers(body, limitBytes)).toEqual(splitNaively(body, limitBytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test("names the first line that is not UTF-8 and keeps the lines before it", () => {
    const damaged = fc
      .tuple(text, fc.constantFrom([0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f]), text)
      .map(([before, bad, after]) => Uint8Array.from([...before, ...bad, ...after]));
    fc.assert(
      fc.property(damaged, (body) => {
        expect(cutInBuffers(body, 64)).toEqual(splitNaively(body, 64));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["", "\n", "\r\n"])("takes a line of exactly the limit that ends with %j", (ending) => {
    const body = encoder.encode(`12345678${ending}`);
    expect(cutInBuffers(body, 8)).toEqual({ lines: ["12345678"] });
    expect(cutInBuffers(encoder.encode(`12345678\r\nx`), 8)).toEqual({ lines: ["12345678", "x"] });
  });

  test.each(["", "\n", "\r\n", "\nab"])("refuses a longer line that ends with %j", (ending) => {
    const body = encoder.encode(`ok\n123456789${ending}`);
    expect(cutInBuffers(body, 8)).toEqual({
      lines: ["ok"],
      problem: { kind: "lineTooLong", line: 2 },
    });
  });

  test("leaves a line without an end to the next call while the body goes on", () => {
    const cut = cutLines(encoder.encode("one\ntwo"), { isEnd: false, isUtf8 });
    expect(decoder.decode(cut.bytes)).toBe("one");
    expect(cut.consumed).toBe(4);
    expect(cutLines(encoder.encode("two"), { isEnd: false, isUtf8 }).consumed).toBe(0);
  });

  test("counts empty lines of the body but stores none", () => {
    const cut = cutLines(encoder.encode("\n\r\na\n\n"), { isEnd: true, isUtf8 });
    expect(cut).toMatchObject({ lines: 1, bodyLines: 4, consumed: 6 });
    expect(cutLines(encoder.encode("\n\n"), { isEnd: true, isUtf8 })).not.toHaveProperty("bytes");
  });
});
