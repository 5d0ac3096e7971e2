/**
 * How a job is written: `job("wordcount").lines().flatMap(...).keyBy(...).count("counts")`. Names and
 * meaning follow Flink's DataStream API; types flow from the first operator to the last.
 *
 * Promise: a stream is immutable; each operator answers a new one, and one stream may be used several
 * times. What is built is plain data (a JobGraph), all that was written on one job(); nothing runs here.
 */
import type { BuiltStream } from "./built-job.ts";
import type { Feed } from "./feeds/feed.ts";
import type { JobGraph } from "./job-graph.ts";
import { JobSketch } from "./job-sketch.ts";
import { jsonTransform, rejectedLines } from "./json-lines.ts";
import { resolveJobOptions } from "./options.ts";
import type { JobOptionsInput } from "./options.ts";
import type { SchemaOutput, StandardSchema } from "./standard-schema.ts";
import { Stream } from "./stream.ts";

export type { BuiltStream } from "./built-job.ts";
export type { KeyedStream } from "./keyed-stream.ts";
export { Stream } from "./stream.ts";
export type { UpdatingStream } from "./updating-stream.ts";

/**
 * Begins a job. `name` is 1 to 64 of `a-z0-9-`, beginning with a letter. Throws when the name or an
 * option is not allowed, saying what to write instead.
 */
export function job(name: string, options: JobOptionsInput = {}): JobBuilder {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw new RangeError(
      `"${name}" cannot be the name of a job: it stands in URLs. ` +
        `Write 1 to 64 of a-z, 0-9 and "-", beginning with a letter, such as "${suggestName(name)}".`,
    );
  }
  return new JobBuilder(new JobSketch(name, resolveJobOptions(name, options)));
}

/** The graph of a stream that ends a job. */
export function jobGraphOf(stream: BuiltStream): JobGraph {
  return stream.graph;
}

export interface JsonOptions {
  /** Name of the output for lines that are not valid; without it such a line fails the job. */
  readonly rejectedTo?: string;
}

export class JobBuilder {
  readonly #sketch: JobSketch;

  constructor(sketch: JobSketch) {
    this.#sketch = sketch;
  }

  /**
   * Says where the lines of the job's log come from, besides or instead of clients who POST them:
   * `from(postedLines(), r2Objects({ prefix: "logs/" })).lines()`. A job of feeds that all end is
   * FINISHED when it has processed them.
   */
  from(...feeds: readonly Feed[]): this {
    for (const feed of feeds) this.#sketch.addFeed(feed);
    return this;
  }

  /** The stream of the job's lines, in the order they entered the log. */
  lines(): Stream<string> {
    return new Stream<string>(this.#sketch, this.#sketch.lines);
  }

  /** The job's lines as JSON, validated by any Standard Schema: zod, valibot, arktype and others. */
  json<S extends StandardSchema>(schema: S, options: JsonOptions = {}): Stream<SchemaOutput<S>> {
    const { rejectedTo } = options;
    const transform = jsonTransform(schema, rejectedTo !== undefined);
    const parsed = this.#sketch.addTransform(this.#sketch.lines, transform);
    const records = new Stream<SchemaOutput<S>>(this.#sketch, parsed.next, parsed);
    if (rejectedTo !== undefined) records.sideOutput(rejectedLines).output(rejectedTo);
    return records;
  }
}

function suggestName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const joined = words.join("-").replace(/^[^a-z]+/, "");
  return joined === "" ? "wordcount" : joined.slice(0, 64);
}
