/** What wrangler.toml (or the start script) binds for a Worker that runs Weir. */
export interface WeirBindings {
  readonly SOURCE: DurableObjectNamespace;
  readonly PARTITION: DurableObjectNamespace;
  readonly COORDINATOR: DurableObjectNamespace;
  /** Of every job that names no other in its option `checkpoint.bucket`; further buckets are bound as those name them. */
  readonly BUCKET?: R2Bucket;
  /** Deployed code is told apart by the id of its version. */
  readonly VERSION?: WorkerVersionMetadata;
  /** Local runs: hash of the bundle. Wins over VERSION. */
  readonly WEIR_CODE_VERSION?: string;
  /** "open": every call is allowed. Set by the start script for local runs, never in wrangler.toml. */
  readonly WEIR_ACCESS?: string;
  /** Secrets: full access, ingest only, reading only. */
  readonly WEIR_TOKEN?: string;
  readonly WEIR_INGEST_TOKEN?: string;
  readonly WEIR_READ_TOKEN?: string;
  /** Overrides of every job's options, as decimal numbers. */
  readonly WEIR_CHECKPOINT_INTERVAL_MS?: string;
  readonly WEIR_PARALLELISM?: string;
  readonly WEIR_SOURCES?: string;
  readonly WEIR_LOG_LIMIT_BYTES?: string;
}
