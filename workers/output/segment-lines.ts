/**
 * The lines of one segment of output from a byte on, each with the byte after it. Objects are read in
 * pieces, whole lines at a time.
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { OutputSegment } from "../../durable-objects/coordinator-queries.ts";

export interface SegmentLine {
  /** JSON text, without a line end. */
  readonly text: string;
  /** Where the next line begins. */
  readonly end: number;
}

/** An object that the answer of the coordinator named was not there. */
export class OutputObjectMissing extends Error {
  override readonly name = "OutputObjectMissing";
}

const pieceBytes = 1024 * 1024;
const lineEnd = 0x0a;

export async function* segmentLines(
  segment: Extract<OutputSegment, { kind: "results" }>,
  offset: number,
  blobStore: BlobStore,
): AsyncGenerator<SegmentLine> {
  const { data, size } = segment;
  if ("inline" in data) return yield* linesOf(data.inline.subarray(offset), offset, true);
  let wantedBytes = pieceBytes;
  for (let begin = offset; begin < size;) {
    const length = Math.min(wantedBytes, size - begin);
    const piece = await blobStore.getRange(data.path, begin, length);
    if (piece === undefined) throw new OutputObjectMissing(`Output is gone: path=${data.path}`);
    if (piece.length < length) {
      throw new Error(`Output is shorter than its ${size} bytes: path=${data.path}`);
    }
    const isEnd = begin + length === size;
    let end = begin;
    for (const line of linesOf(piece, begin, isEnd)) {
      end = line.end;
      yield line;
    }
    if (isEnd) return;
    // A line longer than the piece: the same again with more of it.
    wantedBytes = end === begin ? wantedBytes * 2 : pieceBytes;
    begin = end;
  }
}

/** Whole lines in `bytes`, which stand at `begin` of the segment; the rest too when nothing comes after. */
function* linesOf(bytes: Uint8Array, begin: number, isEnd: boolean): Generator<SegmentLine> {
  const decoder = new TextDecoder();
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(lineEnd, from);
    if (found === -1 && !isEnd) return;
    const to = found === -1 ? bytes.length : found;
    const text = decoder.decode(bytes.subarray(from, to));
    from = found === -1 ? bytes.length : found + 1;
    if (text !== "") yield { text, end: begin + from };
  }
}
