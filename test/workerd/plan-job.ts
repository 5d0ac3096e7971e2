/**
 * A job with every kind of edge: two branches that meet, a broadcast, an output of unkeyed records, a sink,
 * and dead letters. Not meant to be fed.
 */
import { job } from "../../dataflow/job.ts";
import { webhook } from "../../dataflow/sinks/webhook.ts";
import { mapState } from "../../dataflow/state/state-descriptor.ts";

const words = job("branches", {
  parallelism: 3,
  sources: 2,
  checkpoint: { intervalMs: 0 },
  deadLetter: { output: "failed", attempts: 2 },
})
  .lines()
  .flatMap((line) => line.split(" "));
const first = words.keyBy((word) => word).deduplicate("first");
const every = words.keyBy((word) => word).process("every", { process: (word) => [word] });
words.filter((word) => word === "").output("empty");

export const branchesAndJoins = first
  .keyBy((word) => word)
  .connect(every.keyBy((word) => word))
  .process("both", { processLeft: (word) => [word], processRight: (word) => [word] })
  .map((word) => word.length)
  .keyBy((length) => length, "integer")
  .connectBroadcast(words.filter((word) => word.startsWith("#")))
  .processBroadcast("ruled", {
    broadcast: { rules: mapState<number>("rules", "string") },
    process: (length) => [length],
    processBroadcast(rule, { broadcast }) {
      broadcast.rules.put(rule, 1);
    },
  })
  .sinkTo(webhook({ name: "hook", url: "https://example.com/hook", signingSecret: "SIGNING" }));
