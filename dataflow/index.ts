/**
 * What a package that writes jobs imports as "weir", one by one. The Worker that runs them is
 * "weir/worker", the harness for tests of operators "weir/testing". Weir's own code imports the files
 * themselves.
 */
export { job, JobBuilder, jobGraphOf, Stream } from "./job.ts";
export type { BuiltStream, JsonOptions } from "./job.ts";
export { describeJobGraph } from "./describe.ts";
export type { EdgeDescription, JobDescription, NodeDescription } from "./describe.ts";
export { formatJobDescription } from "./format-job-description.ts";
export type { JobOptionsInput } from "./options.ts";
export type { CheckpointOptions, JobGraph, JobOptions, RestartOptions } from "./job-graph.ts";
export type { ChainContext, LogPlace } from "./job-graph.ts";
export type { KeyedStream } from "./keyed-stream.ts";
export type { ConnectedStreams } from "./connected-streams.ts";
export type { CountWindowedStream, ShowResult, WindowedStream } from "./windowed-stream.ts";
export type { UpdatingStream } from "./updating-stream.ts";
export type { KeyedChanges } from "./keyed-changes.ts";
export type { SchemaOutput, StandardSchema } from "./standard-schema.ts";
export { rejectedLines } from "./json-lines.ts";
export type { RejectedLine } from "./json-lines.ts";

export {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from "./state/state-descriptor.ts";
export type { AggregateFunction, StateOptions, StateTtl } from "./state/state-descriptor.ts";
export { codecs } from "./codecs/codecs.ts";
export type { Codec } from "./codecs/codec.ts";
export { field } from "./codecs/record-codec.ts";
export type { Field, FieldOptions, RecordOf } from "./codecs/record-codec.ts";

export { watermarks } from "./time/watermark-strategy.ts";
export type { CustomWatermarks, WatermarkStrategy } from "./time/watermark-strategy.ts";
export {
  globalWindows,
  sessionWindows,
  slidingWindows,
  tumblingWindows,
} from "./windows/assigners.ts";
export type { WindowAssigner } from "./windows/assigners.ts";
export type { WindowContext, Windowing } from "./windows/window-definition.ts";
export {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countTrigger,
  eventTimeTrigger,
  neverTrigger,
  processingTimeTrigger,
  purgingTrigger,
} from "./windows/trigger.ts";
export type { Trigger } from "./windows/trigger.ts";

export { queue } from "./sinks/queue.ts";
export type { QueueOptions } from "./sinks/queue.ts";
export { r2Files } from "./sinks/r2-files.ts";
export type { R2FilesOptions } from "./sinks/r2-files.ts";
export { webhook } from "./sinks/webhook.ts";
export type { WebhookOptions } from "./sinks/webhook.ts";
export { weirJob } from "./sinks/weir-job.ts";
export type { WeirJobOptions } from "./sinks/weir-job.ts";
export type { SinkDefinition } from "./sinks/sink-definition.ts";

export { outputTag } from "./operators/output-tag.ts";
export type { OutputTag } from "./operators/output-tag.ts";
export { coProcessOperator, processOperator } from "./operators/process-operator.ts";
export type {
  CoProcessFunction,
  FunctionTimer,
  ProcessFunction,
} from "./operators/process-operator.ts";
export { broadcastProcessOperator } from "./operators/broadcast-process-operator.ts";
export type { BroadcastProcessFunction } from "./operators/broadcast-process-operator.ts";
export { asyncOperator } from "./operators/async-operator.ts";
export type { AsyncOptions } from "./operators/async-operator.ts";
export type { AsyncPolicy, RetryStrategy } from "./operators/async-policy.ts";
export type { FunctionContext } from "./operators/user-function.ts";
export type { AsyncContext, Key, KeyedOperator, Update } from "./operators/keyed-operator.ts";
export type { TopNOptions } from "./operators/top-n-operator.ts";
export type { IntervalJoinOptions } from "./operators/interval-join-operator.ts";

export { generator } from "./feeds/generator.ts";
export type { GeneratorOptions } from "./feeds/generator.ts";
export { poll } from "./feeds/poll.ts";
export type { PollOptions } from "./feeds/poll.ts";
export type { Feed, PollContext, PollFunction } from "./feeds/feed.ts";
export { postedLines } from "./feeds/posted-lines.ts";
export { queueMessages } from "./feeds/queue-messages.ts";
export type { QueueMessagesOptions } from "./feeds/queue-messages.ts";
export { r2Objects } from "./feeds/r2-objects.ts";
export type { R2ObjectsOptions } from "./feeds/r2-objects.ts";
