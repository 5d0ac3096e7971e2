/**
 * Calls between objects: by value, in order on one stub and without any order between stubs, lost,
 * repeated, or answered to nobody.
 *
 * A stub that failed once stays broken: its later calls fail too, as on the platform.
 */
import type { Faults } from "./faults.ts";
import { describe, type Outcome } from "./instance.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { Violations } from "./violations.ts";

/** Who calls: a lifetime of an object, or the outside world. */
export interface Caller {
  readonly name: string;
  beginOutgoing(doing: string): boolean;
  endOutgoing(answer: () => void): void;
}

/** A caller that never loses its memory: the test's own clients. */
export function outsideCaller(name: string): Caller {
  return { name, beginOutgoing: () => true, endOutgoing: (answer) => answer() };
}

/** The failure of a call, as far as its caller can tell. */
export class CallFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CallFailed";
  }
}

interface Stub {
  readonly caller: Caller;
  readonly target: SimulatedObject;
  /** Calls on one stub arrive in the order they were made. */
  lastArrival: number;
  isBroken: boolean;
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #violations: Violations;

  constructor(scheduler: Scheduler, faults: Faults, violations: Violations) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#violations = violations;
  }

  /** A new stub: an object whose every method is a call to the target. */
  stub(caller: Caller, target: SimulatedObject): never {
    const stub: Stub = { caller, target, lastArrival: 0, isBroken: false };
    return new Proxy({} as never, {
      get: (_target, method) =>
        typeof method === "string" && method !== "then"
          ? (argument: unknown) => this.#call(stub, method, argument)
          : undefined,
    });
  }

  #call(stub: Stub, method: string, argument: unknown): Promise<unknown> {
    const { caller } = stub;
    const label = `${caller.name} → ${stub.target.name} ${method}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!caller.beginOutgoing(label)) return promise;
    const message = this.#copy(argument, label);
    const fail = (why: string): void =>
      caller.endOutgoing(() => {
        stub.isBroken = true;
        reject(new CallFailed(`${why} (${label})`));
      });
    const latency = this.#faults.callLatency();
    if (stub.isBroken) {
      this.#scheduler.schedule(latency, `broken stub: ${label}`, () =>
        fail("This stub failed before; take a new one from peers."),
      );
      return promise;
    }
    const fate = this.#faults.callFate();
    if (fate === "lost") {
      this.#scheduler.schedule(latency, `lost: ${label}`, () => fail("Network connection lost."));
      return promise;
    }
    const arrival = Math.max(this.#scheduler.now() + latency, stub.lastArrival);
    stub.lastArrival = arrival;
    this.#deliver(
      stub,
      { method, message, label, delayMs: arrival - this.#scheduler.now() },
      (outcome) => {
        if (fate === "answerLost") return fail("Network connection lost before the answer.");
        if (!outcome.ok && outcome.lost) return fail(outcome.error.message);
        caller.endOutgoing(() => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)));
      },
    );
    if (fate === "repeated") {
      const delayMs = arrival - this.#scheduler.now() + this.#faults.choices.between(0, 3_000);
      const again = {
        method,
        message: structuredClone(message),
        label: `again: ${label}`,
        delayMs,
      };
      this.#deliver(stub, again, () => undefined);
    }
    return promise;
  }

  #deliver(stub: Stub, call: Delivery, answer: (outcome: Outcome) => void): void {
    this.#scheduler.schedule(call.delayMs, `${call.label} ${summary(call.message)}`, () => {
      void stub.target.deliver(call.method, call.message).then((outcome) => {
        const copied = outcome.ok
          ? { ok: true as const, value: this.#copy(outcome.value, call.label) }
          : outcome;
        const text = copied.ok ? summary(copied.value) : describe(copied.error);
        this.#scheduler.schedule(this.#faults.callLatency(), `answer: ${call.label} ${text}`, () =>
          answer(copied),
        );
      });
    });
  }

  /** By value, as structured clone carries it; whole buffers travel, so a view of a larger one is waste. */
  #copy<Value>(value: Value, label: string): Value {
    try {
      return structuredClone(value);
    } catch (error) {
      this.#violations.add(`${label} carries what cannot be cloned: ${describe(error)}`);
      throw error;
    }
  }
}

interface Delivery {
  readonly method: string;
  readonly message: unknown;
  readonly label: string;
  readonly delayMs: number;
}

/** A message in one short line of the trace. */
export function summary(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    part instanceof Uint8Array ? `<${part.length} bytes>` : part,
  );
  if (text === undefined) return "";
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
