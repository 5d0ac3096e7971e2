/** The context of one runner: reads the times, builds timers, gathers emissions. */
import { keyCodecs, type KeyCodec, type KeyType } from "../../state-engine/state/key-codec.ts";
import { isPromise } from "../checked-answer.ts";
import type { StateAccess } from "../state/state-access.ts";
import { timerKey, type TimerDomain } from "../time/timer-key.ts";
import type { TimerQueue } from "../time/timer-queue.ts";
import type { Emissions } from "./emissions.ts";
import type { OperatorContext } from "./keyed-operator.ts";
import { requestId } from "./open-requests.ts";
import type { OutputTag } from "./output-tag.ts";

export interface RunnerContextParts {
  readonly access: StateAccess;
  readonly emissions: Emissions;
  readonly queues: Readonly<Record<TimerDomain, TimerQueue>>;
  readonly keyType: KeyType;
  readonly kind: string;
}

export class RunnerContext implements OperatorContext {
  readonly #parts: RunnerContextParts;
  readonly #access: StateAccess;
  readonly #keyCodec: KeyCodec;
  #decodedKey: unknown = undefined;
  #decodedVersion = -1;
  /** Whether there is a current key: not for broadcast records. */
  hasKey = true;
  /** Shown to the logic; emitted records carry access.timestamp, which a processing-time timer has not. */
  timestamp: number | undefined = undefined;

  constructor(parts: RunnerContextParts) {
    this.#parts = parts;
    this.#access = parts.access;
    this.#keyCodec = keyCodecs[parts.keyType];
  }

  get key(): unknown {
    if (!this.hasKey) throw new Error("A broadcast record has no key: it goes to all partitions.");
    if (this.#decodedVersion !== this.#access.keyVersion) {
      this.#decodedVersion = this.#access.keyVersion;
      this.#decodedKey = this.#keyCodec.read(this.#access.key);
    }
    return this.#decodedKey;
  }

  get watermark(): number {
    return this.#access.watermark;
  }

  get processingTime(): number {
    return this.#access.processingTime;
  }

  get namespace(): Uint8Array {
    return this.#access.namespace;
  }

  set namespace(namespace: Uint8Array) {
    this.#access.setNamespace(namespace);
  }

  emit(value: unknown, timestamp: number | undefined = this.#access.timestamp): void {
    if (value === undefined) {
      throw new TypeError(
        `The ${this.#parts.kind} emitted undefined for the key ${JSON.stringify(this.key)}. ` +
          `Emit a value, or call emit only when there is one.`,
      );
    }
    if (isPromise(value)) throw this.#promised("emitted a promise");
    this.#parts.emissions.add({ kind: "record", value, timestamp });
  }

  get isUpdated(): boolean {
    return this.#parts.emissions.holdsUpdate(this.key);
  }

  emitUpdate(old: unknown, value: unknown): void {
    this.#parts.emissions.add({ kind: "update", update: { key: this.key, old, value } });
  }

  sideOutput<T>(
    tag: OutputTag<T>,
    value: T,
    timestamp: number | undefined = this.#access.timestamp,
  ): void {
    if (value === undefined) {
      throw new TypeError(
        `The ${this.#parts.kind} emitted undefined to the side output "${tag.name}". Emit a value.`,
      );
    }
    if (isPromise(value))
      throw this.#promised(`emitted a promise to the side output "${tag.name}"`);
    this.#parts.emissions.add({ kind: "side", tag: tag.name, value, timestamp });
  }

  registerEventTimeTimer(timestamp: number): void {
    this.#parts.queues.event.register(this.#timerKey("event", timestamp));
  }

  deleteEventTimeTimer(timestamp: number): void {
    this.#parts.queues.event.delete(this.#timerKey("event", timestamp));
  }

  registerProcessingTimeTimer(timestamp: number): void {
    this.#parts.queues.processing.register(this.#timerKey("processing", timestamp));
  }

  deleteProcessingTimeTimer(timestamp: number): void {
    this.#parts.queues.processing.delete(this.#timerKey("processing", timestamp));
  }

  request(sequence: number, record: unknown): void {
    const { keyGroup, key } = this.#access;
    const request = { keyGroup, key: key.slice(), sequence, record };
    const id = requestId(keyGroup, key, sequence);
    this.#parts.emissions.add({ kind: "request", request, id, watermark: this.watermark });
  }

  settle(sequence: number): void {
    const { keyGroup, key } = this.#access;
    this.#parts.emissions.add({ kind: "settle", id: requestId(keyGroup, key, sequence) });
  }

  #promised(what: string): TypeError {
    return new TypeError(
      `The ${this.#parts.kind} ${what}. It runs synchronously, so that records keep their order: use ` +
        `asynchronous enrichment (mapAsync) for calls to the outside.`,
    );
  }

  #timerKey(domain: TimerDomain, timestamp: number): Uint8Array {
    if (!this.hasKey) {
      throw new Error(
        "A timer belongs to a key, and a broadcast record has none. Register it in process.",
      );
    }
    const { keyGroup, key, namespace } = this.#access;
    return timerKey(domain, { timestamp, keyGroup, key, namespace });
  }
}
