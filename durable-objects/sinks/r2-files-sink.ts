/**
 * Delivers results as files in a bucket (dataflow/sinks/r2-files.ts), exactly once: nothing is written
 * before the checkpoint is completed, and an attempt that follows another writes the same files under
 * the same keys [19b].
 *
 * Promise: once the manifest of a commit is there, so are its files, and they never change. A commit
 * without a record of this sink writes nothing.
 */
import { parsePathTemplate, type PathTemplate } from "../../dataflow/sinks/path-template.ts";
import type { R2FilesDefinition, R2FilesLayout } from "../../dataflow/sinks/sink-definition.ts";
import type { ExternalSink, SinkCommit } from "../coordinator/commits.ts";
import { layoutOf, notedLayout } from "./commit-progress.ts";
import { commitName, FileWriter } from "./file-writer.ts";
import type { OutsideBucket } from "./outside-world.ts";
import type { RecordCursor } from "./record-cursor.ts";
import { recordsOf, type SinkSurroundings } from "./sink-surroundings.ts";

const kind = "r2Files";
/** Bytes of all files of a commit that are not put yet: part of the layout, because it decides when files end. */
const openBytes = 16 * 1024 * 1024;

type Layout = R2FilesLayout & { readonly openBytes: number };

export class R2FilesSink implements ExternalSink {
  readonly name: string;
  readonly layout;
  readonly #definition: R2FilesDefinition;
  readonly #surroundings: SinkSurroundings;

  constructor(definition: R2FilesDefinition, surroundings: SinkSurroundings) {
    this.name = definition.name;
    this.layout = { ...notedLayout(definition), openBytes };
    this.#definition = definition;
    this.#surroundings = surroundings;
  }

  async commit(commit: SinkCommit): Promise<void> {
    const { environment, world } = this.#surroundings;
    const { checkpoint } = commit;
    const { bucket: binding } = this.#definition.target;
    const layout = layoutOf<Layout>(commit, kind, { ...this.#definition.layout, openBytes });
    const bucket = world.bucket(binding);
    const template = parsePathTemplate(this.name, layout.path);
    const writer = new FileWriter({
      sink: this.name,
      commit,
      layout,
      bucket,
      environment,
      alreadyPut: this.#filesPut(commit),
      onPut: (files) => commit.keep({ kind, bucket: binding, progress: { checkpoint, files } }),
    });
    const cursor = recordsOf(commit, this.#surroundings, { sink: this.name, from: undefined });
    await writeRecords(cursor, writer, directories(template, layout, commit));
    await writer.finish();
    if (writer.written.length > 0) await this.#putManifest(commit, writer, bucket, template);
  }

  /** Files that an earlier attempt of this commit has put into this bucket. */
  #filesPut({ checkpoint, state }: SinkCommit): number {
    if (state?.["kind"] !== kind || state["bucket"] !== this.#definition.target.bucket) return 0;
    const progress = state["progress"] as { checkpoint: number; files: number };
    return progress.checkpoint === checkpoint ? progress.files : 0;
  }

  async #putManifest(
    commit: SinkCommit,
    { written }: FileWriter,
    bucket: OutsideBucket,
    { fixedPrefix }: PathTemplate,
  ): Promise<void> {
    const { checkpoint, committedAt, incarnation, job } = commit;
    const manifest = {
      job,
      sink: this.name,
      incarnation,
      checkpoint,
      committedAt,
      records: written.reduce((sum, { records }) => sum + records, 0),
      size: written.reduce((sum, { size }) => sum + size, 0),
      files: written,
    };
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`);
    const { environment } = this.#surroundings;
    commit.count({ classA: 1 });
    await bucket.putIfAbsent(`${fixedPrefix}_manifests/${this.name}-${commitName(commit)}.json`, {
      bytes,
      contentType: "application/json",
      fingerprint: `${bytes.length}-${environment.crc32(bytes)}`,
    });
  }
}

async function writeRecords(
  cursor: RecordCursor,
  writer: FileWriter,
  directoryOf: (cursor: RecordCursor) => string,
): Promise<void> {
  let hasRecord = await cursor.advance();
  while (hasRecord) {
    const { begin, bytes, end } = cursor;
    const closing = writer.append(directoryOf(cursor), bytes, begin, end);
    if (closing !== undefined) await closing;
    hasRecord = cursor.next() || (await cursor.advance());
  }
}

/** The directory of each record: of the first `maxPartitions` that are met their own, of the others one for all. */
function directories(
  template: PathTemplate,
  { maxPartitions }: R2FilesLayout,
  { committedAt }: SinkCommit,
): (cursor: RecordCursor) => string {
  if (template.isFixedPerCommit) {
    const directory = template.render(undefined, committedAt);
    return () => directory;
  }
  const decoder = new TextDecoder();
  const known = new Set<string>();
  return ({ begin, bytes, end }) => {
    const record = JSON.parse(decoder.decode(bytes.subarray(begin, end))) as unknown;
    const directory = template.render(record, committedAt);
    if (known.has(directory)) return directory;
    if (known.size >= maxPartitions) return `${template.fixedPrefix}_other/`;
    known.add(directory);
    return directory;
  };
}
