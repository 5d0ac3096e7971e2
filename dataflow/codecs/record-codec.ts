/**
 * Objects with declared fields, for state that outlives changes of the code: a field may be added
 * (optional, or with a default), taken out, renamed, or widened, and what is stored still reads.
 *
 *     codecs.record({
 *       total: codecs.float64,                     // was codecs.int64
 *       customer: field(codecs.text, { formerly: "user" }),
 *       note: field(codecs.text, { optional: true }),
 *     })
 *
 * Bytes: for each field that is there, its number and its value as length and bytes. A field's number
 * is a 16-bit hash of the name it was first declared with, so that order and renames do not matter;
 * two fields with one number are refused when the codec is made. Unknown numbers are skipped.
 */
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { ByteReader } from "../../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import { utf8MaxSize, writeUtf8 } from "../../state-engine/bytes/utf8.ts";
import { wrongValue, type Codec } from "./codec.ts";

export interface FieldOptions<T> {
  /** The name it was first declared with. */
  readonly formerly?: string;
  /** The field may be undefined, and is where it was never stored. */
  readonly optional?: true;
  /** Read where the field was never stored. */
  readonly default?: T;
}

/** A field that is not simply there under its name. */
export interface Field<T, Options extends FieldOptions<T> = FieldOptions<T>> {
  readonly codec: Codec<T>;
  readonly options: Options;
}

export function field<T, const Options extends FieldOptions<T>>(
  codec: Codec<T>,
  options: Options,
): Field<T, Options> {
  return { codec, options };
}

type AnyField = Codec<unknown> | Field<unknown>;
type Fields = Readonly<Record<string, AnyField>>;
type ValueOfField<F> =
  F extends Field<infer T, infer _Options> ? T : F extends Codec<infer T> ? T : never;
type OptionalNames<F> = {
  [Name in keyof F]: F[Name] extends { readonly options: { readonly optional: true } }
    ? Name
    : never;
}[keyof F];

/** The objects a record codec stores. */
export type RecordOf<F> = {
  readonly [Name in Exclude<keyof F, OptionalNames<F>>]: ValueOfField<F[Name]>;
} & { readonly [Name in OptionalNames<F>]?: ValueOfField<F[Name]> | undefined };

interface OpenField {
  readonly name: string;
  readonly number: number;
  readonly codec: Codec<unknown>;
  readonly options: FieldOptions<unknown>;
}

/** Throws RangeError when two fields fall on one number. */
export function recordCodec<const F extends Fields>(fields: F): Codec<RecordOf<F>> {
  const open = Object.entries(fields).map(([name, each]) => openField(name, each));
  const byNumber = new Map<number, OpenField>();
  for (const one of open) {
    const other = byNumber.get(one.number);
    if (other !== undefined) {
      throw new RangeError(
        `The fields "${other.name}" and "${one.name}" of a record fall on the same number. ` +
          `Rename the newer one.`,
      );
    }
    byNumber.set(one.number, one);
  }
  return {
    name: "record",
    schema: {
      record: open.map(({ name, codec, options }) => ({
        name: options.formerly ?? name,
        codec: codec.schema ?? codec.name,
        isOptional: mayBeAbsent(options),
      })),
    },
    encode: (value) => encodeRecord(open, value),
    decode: (bytes) => decodeRecord(open, byNumber, bytes) as RecordOf<F>,
  };
}

function openField(name: string, given: AnyField): OpenField {
  const { codec, options } = "codec" in given ? given : { codec: given, options: {} };
  return {
    name,
    number: numberOf(options.formerly ?? name),
    codec,
    options,
  };
}

function mayBeAbsent(options: FieldOptions<unknown>): boolean {
  return options.optional === true || "default" in options;
}

function encodeRecord(fields: readonly OpenField[], value: unknown): Uint8Array {
  if (typeof value !== "object" || value === null) {
    throw wrongValue("record", value, "an object with the record's fields");
  }
  const writer = new ByteWriter(64);
  for (const { name, number, codec, options } of fields) {
    const part = (value as Readonly<Record<string, unknown>>)[name];
    if (part === undefined && mayBeAbsent(options)) continue;
    if (part === undefined) {
      throw wrongValue("record", value, `an object with the field "${name}"`);
    }
    writer.varint(number);
    writer.slice(codec.encode(part));
  }
  return writer.finish();
}

function decodeRecord(
  fields: readonly OpenField[],
  byNumber: ReadonlyMap<number, OpenField>,
  bytes: Uint8Array,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const reader = new ByteReader(bytes, 0, bytes.length, "A record");
  while (reader.remaining > 0) {
    const known = byNumber.get(reader.varint());
    const part = reader.slice();
    if (known !== undefined) value[known.name] = known.codec.decode(part);
  }
  for (const { name, options } of fields) {
    if (name in value) continue;
    if ("default" in options) value[name] = options.default;
    else if (options.optional !== true) {
      throw new RangeError(
        `A stored record has no field "${name}". Declare it as optional, or with a default.`,
      );
    }
  }
  return value;
}

function numberOf(name: string): number {
  const bytes = new Uint8Array(utf8MaxSize(name));
  return hash32(bytes, 0, writeUtf8(name, bytes, 0)) & 0xffff;
}
