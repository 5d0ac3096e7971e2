/**
 * The other side of sinks over real HTTP: takes webhooks and verifies their signatures, takes what the
 * queue's consumer passes on, and passes requests of lines on to the runtime. It breaks connections
 * before it has done what was asked and after, and answers 503, at random moments of a seed.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SeededRandom } from "../support/seeded-random.ts";

const key = Buffer.from("the key of the webhook, in some bytes");
export const signingSecret = `whsec_${key.toString("base64")}`;

/** The second request breaks before it was looked at, the fourth after; the others by chance. */
const firstChances = [0.9, 0, 0.9, 0.2];

export interface Message {
  readonly id: string;
  readonly checkpoint: number;
  readonly key: string;
  readonly value: number;
}

export class SinkListener {
  /** Where lines go on to; undefined while the runtime is down. */
  runtime: string | undefined;
  /** Bodies by webhook-id, in order of their first arrival. */
  readonly bodies = new Map<string, string>();
  readonly messages = new Map<string, Message>();
  /** Words by message id, of the queue that the listener itself is. */
  readonly kept = new Map<string, string>();
  readonly errors: unknown[] = [];
  broken = 0;
  /** Nothing breaks any more. */
  isCalm = false;
  /** Requests and messages that had come before. */
  repeated = 0;
  #requests = 0;
  readonly #random: SeededRandom;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  private constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  static async start(seed: number): Promise<SinkListener> {
    const listener = new SinkListener(seed);
    await new Promise<void>((resolve) => listener.#server.listen(0, "127.0.0.1", resolve));
    return listener;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(request);
      const chance = this.isCalm ? 1 : (firstChances[this.#requests++] ?? this.#random.next());
      if (chance < 0.1) return this.#break(response);
      if (chance < 0.15) return void response.writeHead(503, { "Retry-After": "1" }).end("busy");
      const { status, text } = await this.#answer(request, body);
      if (chance < 0.3) return this.#break(response);
      response.writeHead(status).end(text);
    } catch (error) {
      // The runtime may be killed at any moment; what a check found is told by the test.
      if (error instanceof assert.AssertionError) this.errors.push(error);
      response.destroy();
    }
  }

  async #answer(request: IncomingMessage, body: Buffer): Promise<{ status: number; text: string }> {
    if (request.url === "/messages") return this.#takeMessages(body);
    if (request.url === "/kept") return this.#keepMessages(body);
    if (request.url === "/") return this.#takeHook(request, body);
    const headers = Object.entries(request.headers).filter(([name]) =>
      name.startsWith("producer-"),
    );
    const answer = await fetch(`${this.runtime}${request.url}`, {
      method: "POST",
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: new Uint8Array(body),
    });
    return { status: answer.status, text: await answer.text() };
  }

  #takeMessages(body: Buffer): { status: number; text: string } {
    for (const message of JSON.parse(body.toString()) as Message[]) {
      assert.deepEqual(this.messages.get(message.id) ?? message, message);
      this.messages.set(message.id, message);
    }
    return { status: 200, text: "" };
  }

  #keepMessages(body: Buffer): { status: number; text: string } {
    for (const { id, value } of JSON.parse(body.toString()) as { id: string; value: string }[]) {
      assert.equal(this.kept.get(id) ?? value, value);
      if (this.kept.has(id)) this.repeated++;
      this.kept.set(id, value);
    }
    return { status: 200, text: "" };
  }

  #takeHook({ headers }: IncomingMessage, body: Buffer): { status: number; text: string } {
    const id = String(headers["webhook-id"]);
    const timestamp = String(headers["webhook-timestamp"]);
    const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
    const expected = createHmac("sha256", key).update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${expected}`);
    assert.equal(headers["idempotency-key"], id);
    assert.equal(headers["content-type"], "application/x-ndjson");
    assert.ok(Math.abs(Number(timestamp) * 1_000 - Date.now()) < 60_000);
    const text = body.toString();
    assert.equal(this.bodies.get(id) ?? text, text);
    if (this.bodies.has(id)) this.repeated++;
    this.bodies.set(id, text);
    return { status: 204, text: "" };
  }

  #break(response: ServerResponse): void {
    this.broken++;
    response.destroy();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
