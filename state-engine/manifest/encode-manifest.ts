/**
 * Manifests as bytes: UTF-8 JSON with a checksum of the text as its first member, so that a damaged
 * one is refused instead of misread. Decoding checks every field it hands out.
 */
import type { Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import type { KeyGroupRange, TableExpiry, TableReference } from "../version/table-reference.ts";
import { MANIFEST_FORMAT_VERSION, NARROWED_MANIFEST_FORMAT_VERSION } from "./manifest.ts";
import type {
  InFlightReference,
  Manifest,
  ManifestPartition,
  ManifestSource,
  MovedTable,
} from "./manifest.ts";
import type { CodecSchema, StateSchema, VertexSchema } from "./state-schema.ts";

const KNOWN_VERSIONS = [MANIFEST_FORMAT_VERSION, NARROWED_MANIFEST_FORMAT_VERSION];

type Checksum = Pick<Environment, "crc32">;

export function encodeManifest(manifest: Manifest, { crc32 }: Checksum): Uint8Array {
  const text = JSON.stringify(manifest);
  const checksum = crc32(new TextEncoder().encode(text));
  return new TextEncoder().encode(`{"crc32":${checksum},${text.slice(1)}`);
}

/** Throws StateEngineError: "corruption" for damaged bytes, "invalid" for a newer format. */
export function decodeManifest(bytes: Uint8Array, { crc32 }: Checksum, path: string): Manifest {
  const head = /^\{"crc32":(\d{1,10}),/;
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new StateEngineError("corruption", `Manifest ${path} is not JSON.`, { cause });
  }
  const expected = head.exec(text)?.[1];
  const found = crc32(new TextEncoder().encode(text.replace(head, "{")));
  if (expected !== String(found)) {
    throw new StateEngineError(
      "corruption",
      `Manifest ${path} is damaged: its checksum is ${found}, expected ${expected}.`,
    );
  }
  return new Reader(path).manifest(value);
}

type Fields = Readonly<Record<string, unknown>>;

class Reader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  manifest(value: unknown): Manifest {
    const fields = this.object(value, "manifest");
    const formatVersion = this.count(fields, "formatVersion");
    if (!KNOWN_VERSIONS.includes(formatVersion)) {
      throw new StateEngineError(
        "invalid",
        `Manifest ${this.#path} has a format this code does not know: read it with the code that wrote it. format=${formatVersion} known=${KNOWN_VERSIONS.join(",")}`,
      );
    }
    const kind = this.text(fields, "kind");
    if (kind !== "checkpoint" && kind !== "savepoint") throw this.wrong("kind");
    return {
      formatVersion,
      id: this.count(fields, "id"),
      kind,
      job: this.text(fields, "job"),
      parent: fields["parent"] === null ? null : this.count(fields, "parent"),
      chain: this.list(fields, "chain").map((path) => this.string(path, "chain")),
      generation: this.count(fields, "generation"),
      nonce: this.text(fields, "nonce"),
      triggeredAt: this.number(fields, "triggeredAt"),
      maxParallelism: this.count(fields, "maxParallelism"),
      ...(fields["schema"] !== undefined && {
        schema: this.list(fields, "schema").map((vertex) => this.vertexSchema(vertex)),
      }),
      sources: this.list(fields, "sources").map((source) => this.source(source)),
      partitions: this.list(fields, "partitions").map((partition) => this.partition(partition)),
    };
  }

  vertexSchema(value: unknown): VertexSchema {
    const fields = this.object(value, "schema");
    return {
      vertex: this.text(fields, "vertex"),
      keyType: this.text(fields, "keyType"),
      states: this.list(fields, "states").map((state) => this.stateSchema(state)),
    };
  }

  stateSchema(value: unknown): StateSchema {
    const fields = this.object(value, "states");
    return {
      name: this.text(fields, "name"),
      kind: this.text(fields, "kind"),
      codec: this.codecSchema(fields["codec"]),
      ...(fields["keyType"] !== undefined && { keyType: this.text(fields, "keyType") }),
      ...(fields["ttl"] !== undefined && { ttl: this.text(fields, "ttl") }),
    };
  }

  codecSchema(value: unknown): CodecSchema {
    if (typeof value === "string") return value;
    const record = this.list(this.object(value, "codec"), "record").map((each) => {
      const fields = this.object(each, "record");
      const { isOptional } = fields;
      if (typeof isOptional !== "boolean") throw this.wrong("isOptional");
      return {
        name: this.text(fields, "name"),
        codec: this.codecSchema(fields["codec"]),
        isOptional,
      };
    });
    return { record };
  }

  source(value: unknown): ManifestSource {
    const fields = this.object(value, "sources");
    const watermark = fields["watermark"] === null ? null : this.text(fields, "watermark");
    return {
      source: this.count(fields, "source"),
      offset: this.count(fields, "offset"),
      watermark,
    };
  }

  partition(value: unknown): ManifestPartition {
    const fields = this.object(value, "partitions");
    const watermarks = this.object(fields["watermarks"], "watermarks");
    for (const source of Object.keys(watermarks)) this.number(watermarks, source);
    return {
      vertex: this.text(fields, "vertex"),
      index: this.count(fields, "index"),
      keyGroups: this.keyGroups(fields),
      added: this.list(fields, "added").map((table) => this.table(table)),
      removed: this.list(fields, "removed").map((id) => this.string(id, "removed")),
      moved: this.list(fields, "moved").map((table) => this.moved(table)),
      sequence: this.count(fields, "sequence"),
      time: this.number(fields, "time"),
      watermarks: watermarks as ManifestPartition["watermarks"],
      ...(fields["watermark"] !== undefined && { watermark: this.number(fields, "watermark") }),
      ...(fields["inFlight"] !== undefined && { inFlight: this.inFlight(fields["inFlight"]) }),
    };
  }

  inFlight(value: unknown): InFlightReference {
    const fields = this.object(value, "inFlight");
    const data = this.object(fields["data"], "inFlight");
    return {
      frames: this.count(fields, "frames"),
      bytes: this.count(fields, "bytes"),
      data:
        data["inline"] === undefined
          ? { path: this.text(data, "path"), size: this.count(data, "size") }
          : { inline: this.text(data, "inline") },
    };
  }

  moved(value: unknown): MovedTable {
    const fields = this.object(value, "moved");
    return {
      table: this.text(fields, "table"),
      level: this.count(fields, "level"),
      run: this.count(fields, "run"),
      ...this.fromKey(fields),
    };
  }

  table(value: unknown): TableReference {
    const fields = this.object(value, "added");
    const inline = fields["inline"] === undefined ? {} : { inline: this.text(fields, "inline") };
    return {
      id: this.text(fields, "id"),
      path: this.text(fields, "path"),
      offset: this.count(fields, "offset"),
      size: this.count(fields, "size"),
      ...inline,
      level: this.count(fields, "level"),
      run: this.count(fields, "run"),
      keyGroups: this.keyGroups(fields),
      ...this.fromKey(fields),
      smallestKey: this.text(fields, "smallestKey"),
      largestKey: this.text(fields, "largestKey"),
      ...(fields["position"] !== undefined && { position: this.count(fields, "position") }),
      entries: this.count(fields, "entries"),
      tombstones: this.count(fields, "tombstones"),
      ...(fields["deletedRanges"] !== undefined && {
        deletedRanges: this.count(fields, "deletedRanges"),
      }),
      ...(fields["expiry"] !== undefined && { expiry: this.expiry(fields["expiry"]) }),
      smallestSequence: this.count(fields, "smallestSequence"),
      largestSequence: this.count(fields, "largestSequence"),
      formatVersion: this.count(fields, "formatVersion"),
      indexOffset: this.count(fields, "indexOffset"),
    };
  }

  fromKey(fields: Fields): Pick<TableReference, "fromKey"> {
    return fields["fromKey"] === undefined ? {} : { fromKey: this.text(fields, "fromKey") };
  }

  expiry(value: unknown): TableExpiry {
    const fields = this.object(value, "expiry");
    return {
      entries: this.count(fields, "entries"),
      earliest: this.count(fields, "earliest"),
      latest: this.count(fields, "latest"),
    };
  }

  keyGroups(fields: Fields): KeyGroupRange {
    const range = this.object(fields["keyGroups"], "keyGroups");
    return { first: this.count(range, "first"), last: this.count(range, "last") };
  }

  object(value: unknown, name: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.wrong(name);
    return value as Fields;
  }

  list(fields: Fields, name: string): readonly unknown[] {
    const value = fields[name];
    if (!Array.isArray(value)) throw this.wrong(name);
    return value;
  }

  text(fields: Fields, name: string): string {
    return this.string(fields[name], name);
  }

  string(value: unknown, name: string): string {
    if (typeof value !== "string") throw this.wrong(name);
    return value;
  }

  number(fields: Fields, name: string): number {
    const value = fields[name];
    if (typeof value !== "number") throw this.wrong(name);
    return value;
  }

  /** A whole number from 0. */
  count(fields: Fields, name: string): number {
    const value = this.number(fields, name);
    if (!Number.isSafeInteger(value) || value < 0) throw this.wrong(name);
    return value;
  }

  wrong(name: string): StateEngineError {
    return new StateEngineError("corruption", `Manifest ${this.#path} has no valid "${name}".`);
  }
}
