/**
 * Ingest over a WebSocket: each message holds lines, and is answered in order by
 * `{"accepted": n, "sequence": k}` once they are durable.
 *
 * Promise: a message is treated as a POST of its bytes would be. With a producer the first message
 * has the sequence given at the upgrade, and each further one the next; without, messages are
 * numbered from 0 and a lost connection leaves the fate of unanswered ones unknown. A message that
 * is refused is answered by its problem, and the socket is closed: what came after it was not looked at.
 */
import type { ReachableJob } from "../http/routing.ts";
import { ingestBody } from "./ingest-body.ts";
import type { Producer } from "./segment-appender.ts";

/** Bytes of messages waiting for their turn; a client that sends on without reading answers is cut off. */
const WAITING_LIMIT_BYTES = 16 * 1024 * 1024;

export function acceptLinesSocket(job: ReachableJob, producer: Producer | undefined): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.binaryType = "arraybuffer";
  const socket = new LinesSocket(server, job, producer);
  server.addEventListener("message", (event) => socket.receive(event.data));
  server.addEventListener("close", () => socket.stop());
  server.addEventListener("error", () => socket.stop());
  return new Response(null, { status: 101, webSocket: client });
}

class LinesSocket {
  readonly #socket: WebSocket;
  readonly #job: ReachableJob;
  readonly #producer: Producer | undefined;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #sequence: number;
  #isRunning = false;
  #isStopped = false;

  constructor(socket: WebSocket, job: ReachableJob, producer: Producer | undefined) {
    this.#socket = socket;
    this.#job = job;
    this.#producer = producer;
    this.#sequence = producer?.sequence ?? 0;
  }

  receive(data: string | ArrayBuffer | Blob): void {
    if (this.#isStopped) return;
    if (data instanceof Blob) return this.#close(1003, "Send text or binary messages.");
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > WAITING_LIMIT_BYTES) {
      return this.#close(1013, "Too many unanswered messages: read the answers first.");
    }
    if (!this.#isRunning) void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
        this.#waitingBytes -= bytes.length;
        await this.#ingest(bytes);
      }
    } catch (error) {
      // oxlint-disable-next-line no-console
      console.error("A WebSocket message could not be ingested.", error);
      this.#close(1011, "Weir failed to take this message.");
    } finally {
      this.#isRunning = false;
    }
  }

  async #ingest(bytes: Uint8Array): Promise<void> {
    const sequence = this.#sequence++;
    const result = await ingestBody(this.#job, {
      body: new Response(bytes).body,
      isGzip: false,
      contentLength: bytes.length,
      ...(this.#producer && { producer: { id: this.#producer.id, sequence } }),
    });
    if (this.#isStopped) return;
    if (result.kind === "accepted") {
      this.#socket.send(JSON.stringify({ accepted: result.accepted, sequence }));
      return;
    }
    const { members, retryAfterSeconds, ...problem } = result.problem;
    this.#socket.send(JSON.stringify({ ...problem, ...members, sequence }));
    this.#close(retryAfterSeconds === undefined ? 1008 : 1013, problem.title);
  }

  #close(code: number, reason: string): void {
    this.stop();
    this.#socket.close(code, reason);
  }
}
