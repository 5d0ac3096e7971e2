/** What a request's segments become when the source answers late, refuses, or does not answer at all. */
import { describe, expect, test } from "vitest";
import type { AppendAnswer, AppendRequest, SourceCalls } from "../../durable-objects/messages.ts";
import { SegmentAppender } from "../../workers/ingest/segment-appender.ts";

type Answer = AppendAnswer | Error;
type Script = (request: AppendRequest, attempt: number) => Answer;

/** Answers as the script says; remembers who asked. */
class ScriptedSource {
  readonly asked: number[] = [];
  readonly calls: SourceCalls;

  constructor(script: Script) {
    const attempts = new Map<number, number>();
    const append = async (request: AppendRequest): Promise<AppendAnswer> => {
      const attempt = (attempts.get(request.fromLine) ?? 0) + 1;
      attempts.set(request.fromLine, attempt);
      this.asked.push(request.fromLine);
      const answer = script(request, attempt);
      if (answer instanceof Error) throw answer;
      return answer;
    };
    this.calls = { append } as Partial<SourceCalls> as SourceCalls;
  }
}

const producer = { id: "tests", sequence: 3 };
const appended: AppendAnswer = { kind: "appended", added: 2 };
const lost = new Error("The connection was lost.");

/** Segments of two lines each. */
async function appendAll(source: ScriptedSource, count: number, from = producer) {
  const appender = new SegmentAppender(source.calls, from.id === "" ? undefined : from);
  for (let index = 0; index < count; index++) {
    const segment = {
      bytes: new TextEncoder().encode("a\nb"),
      lines: 2,
      fromLine: 2 * index,
      last: index === count - 1,
    };
    if (!(await appender.append(segment))) break;
  }
  return await appender.finish();
}

describe("the segment appender", () => {
  test("counts what was added over all segments", async () => {
    const source = new ScriptedSource(() => appended);
    expect(await appendAll(source, 9)).toEqual({ accepted: 18, duplicate: false });
    expect(source.asked).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16]);
  });

  test("[IN3] sends a segment again when nobody knows its outcome, for a producer only", async () => {
    const script: Script = (_request, attempt) => (attempt === 1 ? lost : appended);
    expect(await appendAll(new ScriptedSource(script), 1)).toMatchObject({ accepted: 2 });
    const anonymous = await appendAll(new ScriptedSource(script), 1, { id: "", sequence: 0 });
    expect(anonymous).toMatchObject({ accepted: 0, refusal: { kind: "unreachable", cause: lost } });
  });

  test("[IN3] a request is a duplicate only when every segment was in", async () => {
    const all = new ScriptedSource(() => ({ kind: "duplicate" }));
    expect(await appendAll(all, 2)).toEqual({ accepted: 0, duplicate: true });
    const half = new ScriptedSource(({ fromLine }) =>
      fromLine === 0 ? { kind: "duplicate" } : appended,
    );
    expect(await appendAll(half, 2)).toEqual({ accepted: 2, duplicate: false });
  });

  test("a segment that overtook its predecessor is sent again after it", async () => {
    const source = new ScriptedSource(({ fromLine }, attempt) => {
      if (fromLine === 0) return attempt === 1 ? lost : appended;
      return attempt === 1 ? { kind: "lineGap", linesIn: 0 } : appended;
    });
    expect(await appendAll(source, 2)).toEqual({ accepted: 4, duplicate: false });
    expect(source.asked).toEqual([0, 2, 0, 2]);
  });

  test("[IN7] the first refusal decides, and nothing is sent after it", async () => {
    const full: AppendAnswer = { kind: "full", retryAfterSeconds: 5 };
    const source = new ScriptedSource(({ fromLine }) => (fromLine < 4 ? appended : full));
    expect(await appendAll(source, 40)).toEqual({
      accepted: 4,
      duplicate: false,
      refusal: full,
    });
    expect(source.asked.length).toBeLessThanOrEqual(7);
  });

  test("a source that never answers ends the request as unreachable", async () => {
    const source = new ScriptedSource(() => lost);
    expect(await appendAll(source, 2)).toMatchObject({
      accepted: 0,
      refusal: { kind: "unreachable" },
    });
  });
});
