/**
 * A Worker that stops dead at a chosen step, so that whoever kills it knows what it was doing: at the
 * passing HALT_AT names ("partition.frame before 3": the third time a frame arrives, before anything is
 * done about it) it prints "Halted" and never yields its thread again. Nothing after that step happens, and what had
 * not been written before it never is.
 *
 * The job has everything a kill may harm: a word count with output, a second keyed vertex behind it
 * (how many words occur how often), two sources. All else is the product's.
 */
import { env } from "cloudflare:workers";
import { job } from "../../dataflow/job.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { weir } from "../../workers/weir.ts";

interface Bindings extends WeirBindings {
  readonly HALT_AT?: string;
  readonly OUTPUT_RETAIN_MS?: string;
}

const { HALT_AT, OUTPUT_RETAIN_MS } = env as unknown as Bindings;

/** A source clears its alarm whenever a checkpoint covers all it has: one that is to ring sees few of them. */
const INTERVAL_MS = HALT_AT?.startsWith("source.alarm") === true ? 10_000 : 50;

/** A class of objects, or a prototype of one, whose methods are called by name. */
type Methods = Record<string, (...parameters: unknown[]) => Promise<unknown>>;

const counts = job("wordcount", {
  parallelism: 2,
  sources: 2,
  checkpoint: { intervalMs: INTERVAL_MS },
  output: { retainMs: Number(OUTPUT_RETAIN_MS ?? 3_600_000) },
  restart: { initialBackoffMs: 50, maxBackoffMs: 500, attempts: 1_000_000 },
})
  .lines()
  .flatMap((line) => line.split(" "))
  .keyBy((word) => word)
  .count("counts");

const worker = weir([
  counts
    .output()
    .keyBy((count) => count, "integer")
    .count("groups")
    .output("groups"),
]);

const passings = new Map<string, number>();

function pass(step: string, { HALT_AT }: Bindings): void {
  const passing = (passings.get(step) ?? 0) + 1;
  passings.set(step, passing);
  if (`${step} ${passing}` !== HALT_AT) return;
  // oxlint-disable-next-line no-console -- Whoever kills this process waits for the line.
  console.log(`Halted ${HALT_AT}`);
  for (;;) {
    // The thread is never given back: no other object of this process goes on either.
  }
}

export class Source extends worker.Source {
  constructor(state: DurableObjectState, bindings: Bindings) {
    super(state, withSteps(bindings));
    passSteps(this, bindings, "source", ["alarm", "append", "triggerCheckpoint", "rewind"]);
    passSteps(this, bindings, "source", ["completeCheckpoint", "abortCheckpoint"]);
  }
}

export class Partition extends worker.Partition {
  constructor(state: DurableObjectState, bindings: Bindings) {
    super(state, withSteps(bindings));
    passSteps(this, bindings, "partition", ["openChannel", "frame", "barrier"]);
    passSteps(this, bindings, "partition", ["openVertexChannel", "vertexFrame", "vertexBarrier"]);
    passSteps(this, bindings, "partition", ["completeCheckpoint", "enter"]);
  }
}

export class Coordinator extends worker.Coordinator {
  constructor(state: DurableObjectState, bindings: Bindings) {
    super(state, withSteps(bindings));
    passSteps(this, bindings, "coordinator", ["alarm", "attachSource", "attachPartition"]);
    passSteps(this, bindings, "coordinator", ["acknowledge", "sourceChanged", "requestRollback"]);
  }
}

// oxlint-disable-next-line import/no-default-export -- The platform wants it.
export default worker.handler;

/** Each call of these methods passes one step before it begins and one when it has ended. */
function passSteps(
  object: object,
  bindings: Bindings,
  kind: string,
  names: readonly string[],
): void {
  const prototype = Object.getPrototypeOf(object) as Methods;
  for (const name of names) {
    if (Object.hasOwn(prototype, name)) continue;
    const method = methodOf(prototype, name);
    prototype[name] = async function call(this: unknown, ...parameters) {
      pass(`${kind}.${name} before`, bindings);
      const answer = await method.apply(this, parameters);
      pass(`${kind}.${name} after`, bindings);
      return answer;
    };
  }
}

/** The same bindings, but each operation of the bucket passes a step before and after. */
function withSteps(bindings: Bindings): Bindings {
  const bucket: unknown = bindings.BUCKET;
  const steps: Methods = {};
  for (const name of ["get", "head", "put", "list", "delete"]) {
    steps[name] = async (...parameters) => {
      const of = `bucket.${name}${kindOf(parameters[0])}`;
      pass(`${of} before`, bindings);
      const answer = await methodOf(bucket as Methods, name).apply(bucket, parameters);
      pass(`${of} after`, bindings);
      return answer;
    };
  }
  return { ...bindings, BUCKET: steps as never };
}

function methodOf(methods: Methods, name: string): Methods[string] {
  const method = methods[name];
  if (method === undefined) throw new Error(`There is no method ${name} to pass a step with.`);
  return method;
}

function kindOf(path: unknown): string {
  if (typeof path !== "string") return "";
  return path.endsWith("manifest.json") ? " manifest" : " object";
}
