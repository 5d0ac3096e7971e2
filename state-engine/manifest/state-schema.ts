/**
 * What a manifest records of the keyed states behind its tables, so that a changed job can be checked
 * against them before it reads a byte. The engine carries it and does not interpret it.
 */
export interface VertexSchema {
  /** The uid of the keyed vertex. */
  readonly vertex: string;
  /** How its keys are stored. */
  readonly keyType: string;
  readonly states: readonly StateSchema[];
}

export interface StateSchema {
  /** The name it was first declared with. */
  readonly name: string;
  /** "count", "value", "list", "map", "reducing" or "aggregating". */
  readonly kind: string;
  readonly codec: CodecSchema;
  /** Of a map: how its keys are stored. */
  readonly keyType?: string;
  /** The time values expire by; absent when they do not. */
  readonly ttl?: string;
}

/** The name of a codec, or the fields of a record, by the names they were first declared with. */
export type CodecSchema = string | { readonly record: readonly FieldSchema[] };

export interface FieldSchema {
  readonly name: string;
  readonly codec: CodecSchema;
  /** Records without it are read too. */
  readonly isOptional: boolean;
}
