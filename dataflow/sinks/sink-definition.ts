/**
 * Where results go besides the feed of committed output: plain data, made by r2Files, queue, webhook
 * and weirJob and interpreted by durable-objects/sinks/.
 *
 * `target` says where, and counts from the next attempt on. `layout` says how the results of a commit
 * are cut into files or requests: each commit keeps the one it was noted with, so that a deploy in the
 * middle of it changes no key and no bytes of what was sent already.
 */

export type SinkDefinition =
  | R2FilesDefinition
  | QueueDefinition
  | WebhookDefinition
  | WeirJobDefinition;

export interface R2FilesDefinition {
  readonly kind: "r2Files";
  readonly name: string;
  readonly target: {
    /** Binding of the bucket. */
    readonly bucket: string;
  };
  readonly layout: R2FilesLayout;
}

export interface R2FilesLayout {
  /** Directory of a record's file, with placeholders: see path-template.ts. */
  readonly path: string;
  readonly gzip: boolean;
  /** A file is closed before it would exceed this, in bytes before compression. */
  readonly rollBytes: number;
  /** Directories one commit fills; records of further ones go into "_other". */
  readonly maxPartitions: number;
}

export interface QueueDefinition {
  readonly kind: "queue";
  readonly name: string;
  readonly target: {
    /** Binding of the producer. */
    readonly queue: string;
  };
  readonly layout: Readonly<Record<string, never>>;
}

export interface WebhookDefinition {
  readonly kind: "webhook";
  readonly name: string;
  readonly target: {
    /** An address, or the binding that holds it. */
    readonly url: SinkUrl;
    /** Binding of the secret that signs. */
    readonly signingSecret: string;
    readonly timeoutMs: number;
  };
  readonly layout: BatchLimits;
}

export interface WeirJobDefinition {
  readonly kind: "weirJob";
  readonly name: string;
  readonly target: {
    readonly job: string;
    /** Origin of another deployment, or the binding that holds it; absent: the job is one of this Worker. */
    readonly url?: SinkUrl;
    /** Binding of the token that deployment asks for. */
    readonly token?: string;
    /** Another value begins a new Producer-Id. */
    readonly producer: string;
  };
  readonly layout: BatchLimits;
}

export interface BatchLimits {
  /** Records of one request. */
  readonly maxRecords: number;
  /** Bytes of one request, unless its only record has more. */
  readonly maxBytes: number;
}

/** An address, or the binding of the secret or variable that holds it. */
export type SinkUrl = string | { readonly secret: string };
