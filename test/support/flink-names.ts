/**
 * What Flink's documentation calls the things a job is made of, by section of docs/flink.md: what someone who
 * comes from Flink looks for there. It is data of a test; a name that Flink adds is added here first.
 */
export const flinkNames = {
  Sources:
    "SplitEnumerator, SourceReader, splits, bounded, unbounded, HybridSource, RateLimiterStrategy, isProcessingBacklog, SourceFunction, DeserializationSchema",
  "Records without a key":
    "map, flatMap, filter, union, OutputTag, keyBy, rebalance, rescale, shuffle, broadcast, partitionCustom, forward, chaining, slot sharing, full-window, mapPartition, sortPartition, iterations, batch execution mode, CEP, SQL, Table API, mini-batch",
  "Keyed streams":
    "reduce, sum, min, max, minBy, maxBy, aggregate, KeyedProcessFunction, stateful map, uid, changelog",
  State:
    "ValueState, ListState, MapState, ReducingState, AggregatingState, clear(), StateTtlConfig, StateFuture, UnionListState, BroadcastState, CheckpointedFunction, snapshotState, initializeState, notifyCheckpointComplete, notifyCheckpointAborted, TypeSerializer",
  Timers:
    "registerEventTimeTimer, deleteEventTimeTimer, processing-time timers, onTimer, processElement, coalescing",
  Windows:
    "TumblingEventTimeWindows, SlidingEventTimeWindows, EventTimeSessionWindows, dynamic gaps, GlobalWindows, never fires by default, reduce, aggregate, ProcessWindowFunction, per-window, Trigger, CONTINUE, FIRE, PURGE, FIRE_AND_PURGE, EventTimeTrigger, ProcessingTimeTrigger, CountTrigger, PurgingTrigger, ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger, CountEvictor, DeltaEvictor, TimeEvictor, allowedLateness, sideOutputLateData, offset",
  "Event time":
    "forBoundedOutOfOrderness, forMonotonousTimestamps, punctuated, auto-watermark-interval, withIdleness, withWatermarkAlignment, per-split watermarks, minimum over inputs, not in checkpoints",
  "Two inputs":
    "connect, CoMapFunction, CoFlatMapFunction, KeyedCoProcessFunction, BroadcastProcessFunction, KeyedBroadcastProcessFunction, window join, coGroup, interval join",
  "Asynchronous functions":
    "orderedWait, unorderedWait, timeout, capacity, retry strategies, ifException, ifResult, requests in flight",
  Sinks:
    "sinkTo, SinkWriter, SupportsWriterState, StatefulSinkWriter, SupportsCommitter, CommittingSinkWriter, prepareCommit, Committer.commit, pre- and post-commit topologies, global committer, TwoPhaseCommitSinkFunction, FileSink",
  "Testing, operating":
    "KeyedOneInputStreamOperatorTestHarness, MiniCluster, execution.checkpointing.mode, incremental, --full, num-retained, dir, unaligned, aligned-checkpoint-timeout, maxConcurrentCheckpoints, restart-strategy",
} as const;
