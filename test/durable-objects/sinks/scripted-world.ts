/**
 * A world for sinks in memory, that keeps what it is given and can fail at every call: before it takes
 * effect, or after. What it was given twice it compares: the same id or key has to bring the same bytes.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { AppendAnswer, AppendRequest } from "../../../durable-objects/messages.ts";
import { decideAppend, type ProducerRow } from "../../../durable-objects/source/producers.ts";
import { MissingBinding } from "../../../durable-objects/sinks/outside-world.ts";
import type {
  NewObject,
  OutsideAnswer,
  OutsideBucket,
  OutsideJob,
  OutsideQueue,
  OutsideRequest,
  OutsideWorld,
} from "../../../durable-objects/sinks/outside-world.ts";

/** What becomes of a call. */
export type Fate = "answered" | "lost" | "answer lost" | OutsideAnswer;

export interface SentMessage {
  readonly id: string;
  readonly checkpoint: number;
  readonly index: number;
  readonly key?: unknown;
  readonly value: unknown;
}

interface StoredObject extends NewObject {
  readonly size: number;
}

export const signingSecret = `whsec_${Buffer.from("a secret of many bytes").toString("base64")}`;

export class ScriptedWorld implements OutsideWorld {
  /** Decides on each call. */
  fate: (call: string) => Fate = () => "answered";
  /** Steps at which an object may crash. */
  onStep: (step: string) => void = () => {};
  readonly secrets = new Map([
    ["SIGNING", signingSecret],
    ["TOKEN", "let-me-in"],
  ]);
  readonly requests: OutsideRequest[] = [];
  /** Bodies by webhook-id, in order of their first arrival. */
  readonly bodies = new Map<string, string>();
  readonly batches: (readonly SentMessage[])[] = [];
  /** By id, in order of their first arrival. */
  readonly messages = new Map<string, SentMessage>();
  readonly objects = new Map<string, StoredObject>();
  /** Lines of other jobs, as their logs hold them. */
  readonly lines: string[] = [];
  readonly producers = new Map<string, ProducerRow>();

  async send(request: OutsideRequest): Promise<OutsideAnswer> {
    const take = () => {
      this.requests.push(request);
      return request.url.endsWith("/lines") ? this.#takeLines(request) : this.#takeHook(request);
    };
    return await this.#call("send", take, (refusal) => refusal);
  }

  queue(binding: string): OutsideQueue {
    if (binding !== "QUEUE") throw new MissingBinding("queue producer", binding);
    return {
      sendBatch: async (bodies) =>
        await this.#call("sendBatch", () => {
          const batch = bodies as readonly SentMessage[];
          this.batches.push(batch);
          for (const message of batch) {
            assert.deepEqual(this.messages.get(message.id) ?? message, message);
            this.messages.set(message.id, message);
          }
        }),
    };
  }

  bucket(binding: string): OutsideBucket {
    if (binding !== "FILES") throw new MissingBinding("R2 bucket", binding);
    return {
      putIfAbsent: async (key, object) =>
        await this.#call("put", () => {
          const present = this.objects.get(key);
          assert.equal(present?.fingerprint ?? object.fingerprint, object.fingerprint, key);
          const size = present?.size ?? object.bytes.length;
          if (present === undefined) this.objects.set(key, { ...object, size });
          return { size };
        }),
      sizeOf: async (key) => await this.#call("head", () => this.objects.get(key)?.size),
    };
  }

  secret(binding: string): string | undefined {
    return this.secrets.get(binding);
  }

  async hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
    return createHmac("sha256", key).update(data).digest();
  }

  job(name: string): OutsideJob | undefined {
    if (name !== "other") return undefined;
    const full: AppendAnswer = { kind: "full", retryAfterSeconds: 7 };
    const append = async (request: AppendRequest) =>
      await this.#call(
        "append",
        () => this.#append(request),
        () => full,
      );
    return { sources: 2, source: () => ({ append }) };
  }

  #takeHook({ body, headers }: OutsideRequest): OutsideAnswer {
    const id = headers["webhook-id"]!;
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    assert.equal(this.bodies.get(id) ?? text, text, id);
    this.bodies.set(id, text);
    return { status: 200, retryAfter: undefined, text: "ok" };
  }

  #takeLines({ body, headers }: OutsideRequest): OutsideAnswer {
    assert.equal(headers["Authorization"], "Bearer let-me-in");
    const answer = this.#append({
      producer: { id: headers["Producer-Id"]!, sequence: Number(headers["Producer-Sequence"]) },
      fromLine: 0,
      lines: new TextDecoder().decode(body).split("\n").length,
      bytes: body,
      last: true,
    });
    const status = answer.kind === "sequenceGap" ? 409 : 200;
    return { status, retryAfter: undefined, text: JSON.stringify(answer) };
  }

  #append(request: AppendRequest): AppendAnswer {
    const { bytes, producer } = request;
    const decision = decideAppend(this.producers.get(producer!.id), request);
    if (decision.kind === "answer") return decision.answer;
    const lines = new TextDecoder().decode(bytes).split("\n");
    assert.equal(lines.length, request.lines);
    this.lines.push(...lines.slice(decision.skip));
    this.producers.set(producer!.id, decision.row!);
    return { kind: "appended", added: lines.length - decision.skip };
  }

  /** `refuse`: what a call answers that the world refuses; without it the call fails. */
  async #call<Answer>(
    call: string,
    take: () => Answer,
    refuse?: (answer: OutsideAnswer) => Answer,
  ): Promise<Answer> {
    this.onStep(`world: before ${call}`);
    const fate = this.fate(call);
    await Promise.resolve();
    if (fate === "lost") throw new Error("Nobody answered.");
    if (typeof fate === "object") {
      if (refuse === undefined) throw new Error("The world refused.");
      return refuse(fate);
    }
    const answer = take();
    this.onStep(`world: after ${call}`);
    if (fate === "answer lost") throw new Error("The connection broke.");
    return answer;
  }
}
