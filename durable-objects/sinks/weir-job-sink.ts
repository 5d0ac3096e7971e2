/**
 * Delivers results as lines of another job (dataflow/sinks/weir-job.ts), exactly once: the sink is a
 * producer whose counter it keeps durably, together with how far the commit has come, and never uses
 * for two different requests [11, 19d].
 *
 * The job at the other end forgets a producer after 7 days without a request. After 6 days of silence
 * the sink begins a new Producer-Id, as the last request is known to be answered. It never does so on
 * its own while the fate of a request is unknown.
 */
import type { WeirJobDefinition } from "../../dataflow/sinks/sink-definition.ts";
import { CommitRefusal, type ExternalSink, type SinkCommit } from "../coordinator/commits.ts";
import type { AppendAnswer } from "../messages.ts";
import { sourceOfProducer } from "../source-of-producer.ts";
import { expectSuccess } from "./answers.ts";
import { layoutOf, notedLayout, progressOf } from "./commit-progress.ts";
import { lineBatches } from "./line-batches.ts";
import { addressOf, requiredSecret } from "./outside-world.ts";
import { recordsOf, type SinkSurroundings } from "./sink-surroundings.ts";

/** A producer of the other job, and the sequence of its next request. */
export type SinkProducer = {
  readonly id: string;
  readonly sequence: number;
  /** Where it sends: a job elsewhere knows nothing of it. */
  readonly target: string;
  /** When the other end had its last request. */
  readonly usedAt: number;
};

const kind = "weirJob";
const silenceMs = 6 * 24 * 3_600_000;
const timeoutMs = 30_000;
const longestLine = 1024 * 1024;

export class WeirJobSink implements ExternalSink {
  readonly name: string;
  readonly layout;
  readonly #definition: WeirJobDefinition;
  readonly #surroundings: SinkSurroundings;

  constructor(definition: WeirJobDefinition, surroundings: SinkSurroundings) {
    this.name = definition.name;
    this.layout = notedLayout(definition);
    this.#definition = definition;
    this.#surroundings = surroundings;
  }

  async commit(commit: SinkCommit): Promise<void> {
    const { checkpoint } = commit;
    const done = progressOf(commit, kind);
    const cursor = recordsOf(commit, this.#surroundings, { sink: this.name, from: done?.place });
    const limits = layoutOf(commit, kind, this.#definition.layout);
    let producer = this.#knownProducer(commit);
    for await (const batch of lineBatches(cursor, limits, done?.records ?? 0)) {
      if (producer === undefined) {
        producer = this.#newProducer(commit);
        // Before anybody hears of it: a producer is never made twice for one request.
        commit.keep({ kind, producer, ...(done !== undefined && { progress: done }) });
      }
      const lines = batch.bytes.slice(0, -1);
      if (batch.records === 1 && lines.length > longestLine)
        throw tooLong(commit, batch.first, lines);
      commit.count(
        this.#definition.target.url === undefined ? { requests: 1 } : { subrequests: 1 },
      );
      await this.#send(producer, lines, batch.records);
      const { environment } = this.#surroundings;
      producer = { ...producer, sequence: producer.sequence + 1, usedAt: environment.now() };
      const progress = { checkpoint, records: batch.first + batch.records, place: batch.next };
      commit.keep({ kind, producer, progress });
    }
  }

  #knownProducer({ committedAt, state }: SinkCommit): SinkProducer | undefined {
    if (state?.["kind"] !== kind) return undefined;
    const producer = state["producer"] as SinkProducer;
    // A request of this commit cannot be older than the commit: none is unanswered.
    const isForgotten = committedAt - producer.usedAt > silenceMs;
    return producer.target === this.#targetName() && !isForgotten ? producer : undefined;
  }

  #newProducer({ committedAt, incarnation }: SinkCommit): SinkProducer {
    const id = `${incarnation}.${this.name}.${this.#surroundings.environment.newId().slice(0, 16)}`;
    return { id, sequence: 0, target: this.#targetName(), usedAt: committedAt };
  }

  #targetName(): string {
    const { job, producer, url } = this.#definition.target;
    return JSON.stringify([url ?? null, job, producer]);
  }

  async #send(producer: SinkProducer, lines: Uint8Array, count: number): Promise<void> {
    if (this.#definition.target.url === undefined) await this.#append(producer, lines, count);
    else await this.#post(producer, lines);
  }

  /** Straight to the source that producers of this id have. */
  async #append(producer: SinkProducer, bytes: Uint8Array, lines: number): Promise<void> {
    const { job: name } = this.#definition.target;
    const job = this.#surroundings.world.job(name);
    if (job === undefined) {
      throw new Error(
        `This Worker has no job "${name}": deploy it, or give the sink the url of its Worker.`,
      );
    }
    const { id, sequence } = producer;
    const answer = await job.source(sourceOfProducer(id, job.sources)).append({
      producer: { id, sequence },
      fromLine: 0,
      lines,
      bytes,
      last: true,
    });
    judge(answer, name, producer);
  }

  async #post({ id, sequence }: SinkProducer, body: Uint8Array): Promise<void> {
    const { environment, world } = this.#surroundings;
    const { job, token, url } = this.#definition.target;
    const origin = addressOf(world, url!).replace(/\/+$/, "");
    const answer = await world.send({
      url: `${origin}/jobs/${job}/lines`,
      method: "POST",
      headers: {
        "Content-Type": "application/x-ndjson",
        "Producer-Id": id,
        "Producer-Sequence": String(sequence),
        ...(token !== undefined && { Authorization: `Bearer ${requiredSecret(world, token)}` }),
      },
      body,
      timeoutMs,
    });
    if (answer.status === 409) throw forgotten(job, { id, sequence }, answer.text);
    expectSuccess(
      answer,
      `Job "${job}" answered request ${sequence} of producer ${id}`,
      environment.now(),
    );
  }
}

function judge(answer: AppendAnswer, job: string, producer: SinkProducer): void {
  switch (answer.kind) {
    case "appended":
    case "duplicate":
      return;
    case "sequenceGap":
      throw forgotten(job, producer, `It expects sequence ${answer.expectedSequence}.`);
    case "full":
    case "unavailable": {
      const why = answer.kind === "full" ? "has a full log" : `is ${answer.status}`;
      const retryAfterMs = answer.retryAfterSeconds * 1_000;
      throw new CommitRefusal(`Job "${job}" ${why} and takes no lines.`, { retryAfterMs });
    }
    case "lineGap":
      throw new Error(
        `Job "${job}" has part of a request that was never sent: linesIn=${answer.linesIn}`,
      );
  }
}

function forgotten(job: string, producer: { id: string; sequence: number }, said: string): Error {
  return new Error(
    `Job "${job}" does not know producer ${producer.id} at sequence ${producer.sequence}: it was made anew, or ` +
      `could not be reached for 7 days. Give the sink another "producer" to go on; the request under way ` +
      `may then be repeated. ${said}`,
  );
}

function tooLong({ checkpoint }: SinkCommit, index: number, line: Uint8Array): Error {
  return new Error(
    `Record ${index} of checkpoint ${checkpoint} has ${line.length} bytes, and a line of a job at most ` +
      `${longestLine}: make such results smaller.`,
  );
}
