/**
 * A coordinator with sinks between scripted tasks and a scripted world: what partitions acknowledge is a
 * function of their index and the checkpoint, and what sinks have to deliver is what the feed says.
 */
import type { SinkDefinition } from "../../../dataflow/sinks/sink-definition.ts";
import { job as buildJob, jobGraphOf } from "../../../dataflow/job.ts";
import { createSinks } from "../../../durable-objects/sinks/create-sinks.ts";
import type { ExternalSink } from "../../../durable-objects/coordinator/commits.ts";
import type { OutputInterval } from "../../../durable-objects/messages.ts";
import { readOutputPage } from "../../../workers/output/output-page.ts";
import { ScriptedJob, survive } from "../coordinator/scripted-job.ts";
import { ScriptedWorld } from "./scripted-world.ts";

const options = {
  checkpoint: { intervalMs: 1_000, timeoutMs: 30_000, tolerableFailures: 3 },
};

export class SinkJob {
  readonly world = new ScriptedWorld();
  readonly job: ScriptedJob;
  /** Results of a partition before a barrier. */
  results: (index: number, checkpoint: number) => readonly string[] = () => [];

  constructor(definitions: readonly SinkDefinition[], more: object = {}) {
    this.job = new ScriptedJob({ ...options, ...more });
    this.deploy(definitions);
    this.world.onStep = (step) => this.job.context.crashPoint(step);
  }

  /** The coordinator wakes up in a job with these sinks. */
  deploy(
    definitions: readonly SinkDefinition[],
    more: { readonly codeVersion?: string } = {},
  ): void {
    this.job.sinks = this.#sinksOf(definitions);
    this.job.restart(more);
  }

  /** One checkpoint that is completed; calls that broke are repeated, and time for retries passes. */
  async checkpoint(): Promise<void> {
    const { job } = this;
    await survive(job.lines(10, "silent"));
    await job.advance(3_000);
    const trigger = job.sources[0]!.triggers.at(-1)!;
    for (const index of job.partitions.keys()) {
      const output = this.#intervals(index, trigger.base);
      const acknowledgement = job.acknowledgement(index, trigger.checkpoint, { output });
      await survive(job.coordinator.acknowledge(acknowledgement));
      await job.advance(3_000);
      // A crash may have cut off the answer: it is given again.
      await survive(job.coordinator.acknowledge(acknowledgement));
    }
    await job.context.idle();
    await job.advance(20_000);
    await survive(job.repeatReport());
    await job.context.idle();
  }

  /** What the feed says this sink has to deliver, as JSON texts, in order. */
  async expected(sink: string): Promise<readonly string[]> {
    const lines: string[] = [];
    let from: Parameters<typeof readOutputPage>[2]["from"];
    for (;;) {
      const { coordinator, bucket } = this.job;
      const page = await readOutputPage(coordinator, bucket, {
        limit: 100_000,
        ...(from !== undefined && { from }),
      });
      for (const line of page.body.split("\n")) {
        if (line === "") continue;
        const { key, output, value } = JSON.parse(line) as Record<string, unknown>;
        if (output === sink) lines.push(JSON.stringify(key === undefined ? value : { key, value }));
      }
      if (page.next === undefined) return lines;
      const [row, segment, offset] = page.next.split("-").map(Number);
      from = { row: row!, segment: segment!, offset: offset! };
    }
  }

  /** `each` entry of this sink in GET /jobs/{job}. */
  async described(sink: string): Promise<Record<string, unknown>> {
    const { sinks } = (await this.job.coordinator.describeJob()) as unknown as {
      sinks: { each: Record<string, unknown>[] };
    };
    return sinks.each.find(({ name }) => name === sink)!;
  }

  #sinksOf(definitions: readonly SinkDefinition[]): readonly ExternalSink[] {
    const records = buildJob("words").lines();
    for (const definition of definitions) records.sinkTo(definition);
    const { bucket, context } = this.job;
    const { environment } = context;
    const graph = jobGraphOf(records.output("nothing"));
    return createSinks(graph, { world: this.world, blobStore: bucket, environment });
  }

  /** A partition acknowledges what it emitted before each barrier since the base; every other one in an object. */
  #intervals(index: number, base: number): OutputInterval[] {
    const { job } = this;
    const seen = new Set(job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint));
    return [...seen]
      .filter((checkpoint) => checkpoint > base)
      .map((checkpoint) => {
        const lines = this.results(index, checkpoint);
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
        if ((index + checkpoint) % 2 === 0 && bytes.length < 500_000) {
          return { checkpoint, records: lines.length, data: { inline: bytes } };
        }
        const path = job.path(index, `output-${checkpoint}`);
        job.bucket.blobs.set(path, bytes);
        return { checkpoint, records: lines.length, data: { path, size: bytes.length } };
      });
  }
}
