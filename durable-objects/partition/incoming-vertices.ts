/**
 * The receiving end of the channels from partitions of other keyed vertices: openings, frames and
 * barriers, up to the queue of the apply loop. Beside the channels of sources, with the same rules for
 * who may speak.
 *
 * Promise: synchronous up to the queue, so that order is kept [8]; a sender that began again behind
 * what was taken of it is not served, and the job goes back together [6].
 */
import { verticesFeeding } from "../../dataflow/edges.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { TaskId } from "../messages.ts";
import type {
  OpenVertexChannel,
  OpenVertexChannelAnswer,
  VertexBarrier,
  VertexChannelAnswer,
  VertexChannelState,
  VertexFrame,
} from "../vertex-messages.ts";
import { isOurs, LOST_ANSWER, OPEN_ANEW, type IncomingHost } from "./incoming-host.ts";
import { VertexChannel } from "./vertex-channel.ts";

/** Opened again when the rollback that is under way may have happened. */
const WHEN_ROLLED_BACK = { kind: "notReady", retryAfterMs: 1_000 } as const;

export class IncomingVertices {
  readonly channels: readonly VertexChannel[];
  /** Of all channels, in their order. */
  readonly names: ReadonlySet<string>;
  readonly #host: IncomingHost;

  constructor(job: JobGraph, task: TaskId, host: IncomingHost) {
    const { attached } = host;
    this.#host = host;
    this.channels = verticesFeeding(job, task.vertex).flatMap((vertex) =>
      Array.from(
        { length: attached.parallelism[vertex]! },
        (_, index) => new VertexChannel({ vertex, index }, attached.checkpoint),
      ),
    );
    this.names = new Set(this.channels.map(({ name }) => name));
  }

  get hasCaughtUp(): boolean {
    return this.channels.every((channel) => channel.hasCaughtUp);
  }

  hasFramesBehind(checkpoint: number): boolean {
    return this.channels.some((channel) => channel.hasFramesBehind(checkpoint));
  }

  open(request: OpenVertexChannel): OpenVertexChannelAnswer {
    const channel = this.#channelOf(request.sender);
    const verdict = channel.open(request);
    const { generation } = this.#host.attached;
    if (verdict === "replaced") return { kind: "staleGeneration", generation };
    if (verdict === "lost") {
      this.#host.rollback(
        `${channel.name} lost its memory, and what it had sent since checkpoint ` +
          `${request.restored} is applied.`,
      );
      return WHEN_ROLLED_BACK;
    }
    this.#host.learn({ decided: request.decided });
    return { kind: "open", channel: this.#stateOf(channel) };
  }

  frame(frame: VertexFrame): VertexChannelAnswer | Promise<VertexChannelAnswer> {
    const channel = this.#channelOf(frame.sender);
    if (!isOurs(frame, this.#host.attached, channel)) return OPEN_ANEW;
    const verdict = channel.judgeFrame(frame.position);
    if (verdict === "known") return this.#done();
    if (verdict === "apart") return { kind: "reposition", channel: this.#stateOf(channel) };
    if (frame.bytes.length > 0) channel.takeFrame();
    else if (!channel.takeMark(frame.markNumber)) return this.#done();
    return this.#host.queueFrame({
      channel: channel.name,
      frame,
      applied: () => void (channel.hasCaughtUp = frame.hasCaughtUp),
    });
  }

  async barrier(barrier: VertexBarrier): Promise<VertexChannelAnswer> {
    const channel = this.#channelOf(barrier.sender);
    if (!isOurs(barrier, this.#host.attached, channel)) return OPEN_ANEW;
    const { base, checkpoint } = barrier;
    // It was triggered, so its base is completed and everything in between is given up [7].
    this.#host.learn({ completed: base, decided: checkpoint - 1 });
    const verdict = channel.judgeBarrier(barrier);
    if (verdict === "apart") return { kind: "reposition", channel: this.#stateOf(channel) };
    if (verdict === "next") channel.takeBarrier(checkpoint);
    const outcome =
      verdict === "next"
        ? this.#host.queueBarrier({ ...barrier, channel: channel.name })
        : this.#host.outcomeOf(checkpoint);
    return (await outcome) === "lost" ? LOST_ANSWER : this.#done();
  }

  #done(): VertexChannelAnswer {
    return { kind: "done", creditBytes: this.#host.creditBytes };
  }

  #stateOf(channel: VertexChannel): VertexChannelState {
    const { generation, attempt } = this.#host.attached;
    const { session, queuedTo } = channel;
    const { creditBytes } = this.#host;
    return { generation, attempt, session, position: queuedTo, creditBytes };
  }

  #channelOf(sender: TaskId): VertexChannel {
    const channel = this.channels.find((one) => one.is(sender));
    if (channel !== undefined) return channel;
    throw new Error(
      `${sender.vertex}/${sender.index} sent to a partition it does not feed: the sender runs another ` +
        `job graph, or knows another parallelism.`,
    );
  }
}
