/**
 * Reads of a bucket that are begun before they are wanted, so that reading and processing overlap.
 *
 * Promise: at most 2 MiB and four reads are ahead, whether answered or not. What is read ahead is handed
 * out once and never asked for again; a read ahead that failed is asked for anew when it is wanted, so
 * failures are met where they would have been met without it. It decides nothing about the order.
 */
import type { InputBucket, InputObject, ObjectRead } from "../../inputs.ts";

/** Of an object, at once. */
const rangeBytes = 2 * 1024 * 1024;
/** With the read that is waited for, within the six requests a Durable Object may have open. */
export const mostReads = 4;

/** An object, and the byte to read it from. */
export interface ReadPlace {
  readonly object: InputObject;
  readonly from: number;
}

type Answer = { readonly read: ObjectRead } | undefined;

export class ReadAhead {
  readonly #bucket: Pick<InputBucket, "read">;
  /** By object and place. */
  #begun = new Map<string, Promise<Answer>>();

  constructor(bucket: Pick<InputBucket, "read">) {
    this.#bucket = bucket;
  }

  /** The range of the object that begins at `from`: as long as a range is, or to the object's end. */
  async read({ object, from }: ReadPlace): Promise<ObjectRead> {
    const name = nameOf({ object, from });
    const begun = this.#begun.get(name);
    this.#begun.delete(name);
    const answer = await begun;
    return answer?.read ?? (await this.#bucket.read(object, from, lengthOf({ object, from })));
  }

  /** Begins what is read next, in this order, as far as there is room; anything else is let go. */
  begin(next: Iterable<ReadPlace>): void {
    const wanted = new Map<string, Promise<Answer>>();
    let bytes = 0;
    for (const place of rangesFrom(next)) {
      bytes += lengthOf(place);
      if (bytes > rangeBytes || wanted.size === mostReads) break;
      const name = nameOf(place);
      wanted.set(name, this.#begun.get(name) ?? this.#ask(place));
    }
    this.#begun = wanted;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#begun.clear();
  }

  async #ask(place: ReadPlace): Promise<Answer> {
    try {
      return { read: await this.#bucket.read(place.object, place.from, lengthOf(place)) };
    } catch {
      // Asked for anew when it is wanted: the reader meets the failure then.
      return undefined;
    }
  }
}

/** All ranges of these objects. */
function* rangesFrom(places: Iterable<ReadPlace>): Generator<ReadPlace, void, undefined> {
  for (const { object, from } of places) {
    for (let at = from; at < object.size; at += rangeBytes) yield { object, from: at };
  }
}

function lengthOf({ object, from }: ReadPlace): number {
  return Math.min(rangeBytes, object.size - from);
}

function nameOf({ object, from }: ReadPlace): string {
  return `${from} ${object.etag} ${object.key}`;
}
