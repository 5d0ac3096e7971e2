/**
 * Reads the objects under a prefix that are this source's share: first the listing, page by page into
 * rows, then the objects in the order of their keys, then, when it watches, the next listing. Lines of
 * small objects travel together in one segment.
 *
 * Promise: each listed object is read once, in the version that was listed; another one is damage. What
 * comes next is read ahead, and lost with the memory.
 */
import type { R2Objects } from "../../../dataflow/feeds/feed.ts";
import type { InputBucket, InputObject, Inputs, ObjectRead } from "../../inputs.ts";
import { SEGMENT_LIMIT_BYTES } from "../../lines/cut-lines.ts";
import type { LineSegment } from "../../lines/segments-of-text.ts";
import type { ObjectContext, Sql } from "../../object-context.ts";
import type { OperationCounter } from "../operations.ts";
import { FeedFailure, NotAnswered } from "./feed-reader.ts";
import type { FeedReader, FeedStep } from "./feed-reader.ts";
import { ObjectDamage, skipBytesAtOnce } from "./object-bytes.ts";
import { newObjectBuffer, ObjectLines } from "./object-lines.ts";
import type { ObjectPlace } from "./object-lines.ts";
import { ObjectList, sourceOfObject } from "./object-list.ts";
import { mostReads, ReadAhead } from "./read-ahead.ts";
import type { ReadPlace } from "./read-ahead.ts";

export interface ObjectsReaderOptions {
  readonly feed: R2Objects;
  readonly context: Pick<ObjectContext, "environment" | "sql">;
  readonly inputs: Inputs;
  readonly operations: Pick<OperationCounter, "addClassA" | "addClassB">;
  readonly source: number;
  readonly sources: number;
  readonly progress: object | undefined;
}

interface Progress {
  /** Number of the listing, from 0. */
  readonly round: number;
  /** The last key listed in this round; null once it is listed wholly. */
  readonly listedTo: string | null;
  /** When this round's listing began, ms since the epoch. */
  readonly listedAt: number;
  /** The object at hand, or the last one done; "" before the first of the round. */
  readonly key: string;
  /** Undefined when the object is done. */
  readonly place?: ObjectPlace;
  /** Objects listed, read to their end, and left out as damaged. */
  readonly listed: number;
  readonly done: number;
  readonly skipped: number;
  /** Why the last of those was left out. */
  readonly lastSkipped?: string;
}

const beginning: ObjectPlace = { byte: 0, line: 0 };
/** Lines of more objects than this are not gathered into one segment. */
const mostObjectsAtOnce = 256;

export class ObjectsReader implements FeedReader {
  readonly #options: ObjectsReaderOptions;
  readonly #list: ObjectList;
  /** As far as steps were answered. */
  #progress: Progress;
  /** Objects of this round that come next, the one at hand first. */
  #queue: InputObject[] = [];
  #lines: ObjectLines | undefined;
  #buffer: Uint8Array | undefined;
  readonly #ahead: ReadAhead;
  /** Read already, for the next step. */
  #held: { readonly segment: LineSegment; readonly place: ObjectPlace } | undefined;

  constructor(options: ObjectsReaderOptions) {
    this.#options = options;
    this.#ahead = new ReadAhead({ read: async (...read) => await this.#read(...read) });
    this.#list = new ObjectList(options.context.sql, options.feed.name);
    this.#progress = (options.progress as Progress | undefined) ?? {
      round: 0,
      listedTo: "",
      listedAt: options.context.environment.now(),
      key: "",
      listed: 0,
      done: 0,
      skipped: 0,
    };
  }

  async next(): Promise<FeedStep> {
    if (this.#progress.listedTo !== null) return await this.#listPage();
    if (this.#queue.length === 0) this.#fillQueue();
    if (this.#queue.length > 0) return await this.#readObjects();
    const { watchEveryMs } = this.#options.feed;
    if (watchEveryMs === undefined) return { segments: [], cost: 0, next: "end" };
    return this.#nextRound(watchEveryMs);
  }

  describe(): Readonly<Record<string, string | number | null>> {
    const { done, key, lastSkipped, listed, place, skipped } = this.#progress;
    return {
      listed,
      done,
      skipped,
      object: place === undefined ? null : key,
      byte: place?.byte ?? null,
      lastSkipped: lastSkipped ?? null,
    };
  }

  close(): void {
    this.#ahead.clear();
    this.#closeObject();
  }

  #closeObject(): void {
    this.#lines?.close();
    this.#lines = undefined;
  }

  #nextRound(everyMs: number): FeedStep {
    const now = this.#options.context.environment.now();
    const dueAt = this.#progress.listedAt + everyMs;
    if (now < dueAt) return { segments: [], cost: 0, next: { waitUntil: dueAt } };
    const { round } = this.#progress;
    this.#progress = { ...this.#progress, round: round + 1, listedTo: "", listedAt: now, key: "" };
    return { segments: [], cost: 0, next: "again" };
  }

  async #listPage(): Promise<FeedStep> {
    const { feed, operations, source, sources } = this.#options;
    const { listedTo, round } = this.#progress;
    operations.addClassA();
    const page = await asked(`listing "${feed.prefix}"`, () =>
      this.#bucket.list({ prefix: feed.prefix, after: listedTo === "" ? undefined : listedTo! }),
    );
    const ours = page.objects.filter(({ key }) => sourceOfObject(key, sources) === source);
    const added = this.#list.unknown(ours);
    this.#progress = {
      ...this.#progress,
      listedTo: page.isEnd ? null : page.objects.at(-1)!.key,
      listed: this.#progress.listed + added.length,
    };
    const progress = this.#progress;
    // A look that found nothing new leaves no trace.
    const isNews = round === 0 || added.length > 0;
    return {
      segments: [],
      ...(isNews && { progress, alsoWrite: (_sql: Sql) => this.#list.add(added, round) }),
      cost: 0,
      next: "again",
    };
  }

  /** What comes next of this round, the object at hand first. */
  #fillQueue(): void {
    const { key, place, round } = this.#progress;
    const found = this.#list.read(round, key);
    this.#queue = found.filter((object) => object.key !== key || place !== undefined);
  }

  async #readObjects(): Promise<FeedStep> {
    const parts: LineSegment[] = [];
    let [bytes, objects, cost] = [0, 0, 0];
    while (this.#queue.length > 0 && objects < mostObjectsAtOnce) {
      const cut = await this.#cut(parts.length > 0 || objects > 0);
      // What stands in the way is met again by the next step, once this one is durable.
      if (cut === "later") break;
      if (cut === "skipping") {
        cost += skipBytesAtOnce;
        break;
      }
      if (cut === "end") {
        objects++;
        this.#objectDone({ done: this.#progress.done + 1 });
        continue;
      }
      const { segment } = cut;
      if (bytes + segment.bytes.length + parts.length > SEGMENT_LIMIT_BYTES) {
        this.#held = cut;
        break;
      }
      parts.push(segment);
      bytes += segment.bytes.length;
      this.#progress = { ...this.#progress, key: this.#queue[0]!.key, place: cut.place };
    }
    const segments = parts.length === 0 ? [] : [joined(parts, bytes)];
    cost += bytes;
    if (segments.length === 0 && objects === 0) return { segments, cost, next: "again" };
    return { segments, progress: this.#progress, cost, next: "again" };
  }

  /** The next lines of the object at hand. "later": an error, and `hasMore` things to be made durable before it. */
  async #cut(
    hasMore: boolean,
  ): Promise<{ segment: LineSegment; place: ObjectPlace } | "skipping" | "end" | "later"> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) return held;
    this.#lines ??= this.#open(this.#queue[0]!);
    try {
      for (;;) {
        const cut = await this.#lines.next();
        if (cut.kind !== "lines") return cut.kind;
        if (cut.segment !== undefined) return { segment: cut.segment, place: cut.place };
      }
    } catch (error) {
      if (hasMore) return "later";
      if (!(error instanceof ObjectDamage)) throw error;
      return this.#damaged(error);
    }
  }

  #damaged({ message }: ObjectDamage): "end" {
    const { bucket, name, onBroken } = this.#options.feed;
    if (onBroken === "fail") {
      throw new FeedFailure(
        `${message} Feed "${name}" reads it from bucket ${bucket}, and its lines before that are in the ` +
          `log. Put the object back as it was listed and start the job; or deploy the feed with ` +
          `onBroken: "skip", which leaves the rest of such objects out, and start the job.`,
      );
    }
    const { done, skipped } = this.#progress;
    this.#progress = {
      ...this.#progress,
      done: done - 1,
      skipped: skipped + 1,
      lastSkipped: message,
    };
    return "end";
  }

  #objectDone(counts: Pick<Progress, "done">): void {
    const { place: _place, ...progress } = this.#progress;
    this.#progress = { ...progress, ...counts, key: this.#queue.shift()!.key };
    this.#closeObject();
  }

  #open(object: InputObject): ObjectLines {
    const { inputs } = this.#options;
    const { key, place } = this.#progress;
    this.#buffer ??= newObjectBuffer();
    return new ObjectLines({
      stored: {
        read: (place) => this.#ahead.read(place),
        goesOn: (place) => this.#ahead.begin([place, ...this.#following()]),
      },
      inputs,
      object,
      from: object.key === key && place !== undefined ? place : beginning,
      buffer: this.#buffer,
    });
  }

  get #bucket(): InputBucket {
    return this.#options.inputs.bucket(this.#options.feed.bucket);
  }

  /** The objects behind the one at hand, as far as any can be read ahead. */
  #following(): readonly ReadPlace[] {
    return this.#queue.slice(1, 1 + mostReads).map((object) => ({ object, from: 0 }));
  }

  async #read(...[object, offset, length]: Parameters<InputBucket["read"]>): Promise<ObjectRead> {
    const bucket = this.#bucket;
    this.#options.operations.addClassB();
    return await asked(`reading "${object.key}"`, () => bucket.read(object, offset, length));
  }
}

async function asked<Answer>(doing: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NotAnswered(`The bucket did not answer while ${doing}: ${reason}`, { cause });
  }
}

function joined(parts: readonly LineSegment[], bytes: number): LineSegment {
  const [only] = parts;
  if (parts.length === 1) return only!;
  const all = new Uint8Array(bytes + parts.length - 1);
  let offset = 0;
  let lines = 0;
  for (const part of parts) {
    if (offset > 0) all[offset++] = 10;
    all.set(part.bytes, offset);
    offset += part.bytes.length;
    lines += part.lines;
  }
  return { bytes: all, lines };
}
