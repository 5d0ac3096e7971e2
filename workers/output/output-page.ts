/**
 * One page of committed output: lines of NDJSON in commit order, each with the checkpoint that committed
 * it. The coordinator says where the bytes are; objects are read from the bucket here.
 *
 * Promise: the same request is answered with the same lines for as long as the output is retained; a
 * page ends at `limit` lines or 4 MiB, between or inside checkpoints [17, 41].
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type {
  CoordinatorQueries,
  OutputSegment,
} from "../../durable-objects/coordinator-queries.ts";
import { ProblemError, storageMoved } from "../http/problem.ts";
import { encodeOutputCursor, type OutputPlace } from "./output-cursor.ts";
import { OutputObjectMissing, segmentLines } from "./segment-lines.ts";

export interface OutputPageRequest {
  readonly after?: number;
  readonly from?: OutputPlace;
  readonly limit: number;
}

export interface OutputPage {
  readonly body: string;
  /** Absent: nothing more is committed. */
  readonly next?: string;
}

type Coordinator = Pick<CoordinatorQueries, "readOutput">;

/** Characters of a page, at most: each may take three bytes of UTF-8, most take one. */
const pageCharacters = 4 * 1024 * 1024;

export async function readOutputPage(
  coordinator: Coordinator,
  blobStore: BlobStore,
  request: OutputPageRequest,
): Promise<OutputPage> {
  try {
    return await collect(coordinator, blobStore, request);
  } catch (error) {
    if (!(error instanceof OutputObjectMissing)) throw error;
    // Its retention may have ended since the coordinator was asked: then this throws the 410 [21].
    await located(coordinator, request);
    throw error;
  }
}

async function collect(
  coordinator: Coordinator,
  blobStore: BlobStore,
  { limit, ...request }: OutputPageRequest,
): Promise<OutputPage> {
  const lines: string[] = [];
  let characters = 0;
  let asked: { after?: number; from?: OutputPlace } = request;
  for (;;) {
    const { elsewhere, isEnd, segments } = await located(coordinator, asked);
    for (const segment of segments) {
      if (elsewhere !== undefined && isInObject(segment)) throw storageMoved(elsewhere);
      const { row, segment: number } = segment;
      const isFirst = asked.from?.row === row && asked.from.segment === number;
      let offset = isFirst ? asked.from!.offset : 0;
      for await (const { text, end } of linesFrom(segment, offset, blobStore)) {
        if (lines.length === limit || characters + text.length > pageCharacters) {
          const next = encodeOutputCursor({ row, segment: number, offset });
          return { body: lines.join(""), next };
        }
        lines.push(text);
        characters += text.length;
        offset = end;
      }
    }
    const last = segments.at(-1);
    if (isEnd || last === undefined) return { body: lines.join("") };
    asked = { from: { row: last.row, segment: last.segment + 1, offset: 0 } };
  }
}

function isInObject(segment: OutputSegment): boolean {
  return segment.kind === "results" && "path" in segment.data;
}

async function* linesFrom(
  segment: OutputSegment,
  offset: number,
  blobStore: BlobStore,
): AsyncGenerator<{ text: string; end: number }> {
  const { checkpoint } = segment;
  if (segment.kind === "rewound") {
    const { from, to } = segment;
    if (offset === 0)
      yield { text: `${JSON.stringify({ checkpoint, rewound: { from, to } })}\n`, end: 1 };
    return;
  }
  for await (const { text, end } of segmentLines(segment, offset, blobStore)) {
    // Every line is an object with members: the checkpoint becomes the first of them.
    yield { text: `{"checkpoint":${checkpoint},${text.slice(1)}\n`, end };
  }
}

async function located(
  coordinator: Coordinator,
  { after, from }: { readonly after?: number; readonly from?: OutputPlace },
) {
  const answer = await coordinator.readOutput({
    ...(after !== undefined && { after }),
    ...(from !== undefined && { from: { row: from.row, segment: from.segment } }),
  });
  if (answer.kind === "segments") return answer;
  throw new ProblemError({
    status: 410,
    title: "Output gone",
    detail: `Output up to checkpoint ${answer.before} is no longer retained: begin with ?after=${answer.before}.`,
    members: { before: answer.before },
  });
}
