/**
 * Calls between objects: by value, in order on one stub and without any order between stubs, lost,
 * repeated, or answered to nobody.
 *
 * A connection that fails takes the answers of everything under way on it along; the next call goes
 * over a new one, without order against what the old one may still deliver.
 */
import type { Director } from "./director.ts";
import type { Faults } from "./faults.ts";
import { copyOf } from "./copy.ts";
import { describe, type Outcome } from "./instance.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { Violations } from "./violations.ts";

/** Who calls: a lifetime of an object, or the outside world. */
export interface Caller {
  readonly name: string;
  beginOutgoing(doing: string): boolean;
  /** Whether this call is slow and the caller's memory is lost before it is answered; seen to from here on. */
  isLastCall(): boolean;
  endOutgoing(answer: () => void): void;
}

/** A caller that never loses its memory: the test's own clients. */
export function outsideCaller(name: string): Caller {
  return {
    name,
    beginOutgoing: () => true,
    isLastCall: () => false,
    endOutgoing: (answer) => answer(),
  };
}

/** The failure of a call, as far as its caller can tell. */
export class CallFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CallFailed";
  }
}

/** One connection: when it fails, everything still under way on it fails too. */
interface Stub {
  /** Calls on one stub arrive in the order they were made. */
  lastArrival: number;
  isBroken: boolean;
}

/** What peers gives out: goes on with a new stub after a failed call, as the platform's shell does. */
interface Route {
  readonly caller: Caller;
  readonly target: SimulatedObject;
  stub: Stub;
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #violations: Violations;
  readonly #director: Director | undefined;

  constructor(
    scheduler: Scheduler,
    faults: Faults,
    violations: Violations,
    director: Director | undefined,
  ) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#violations = violations;
    this.#director = director;
  }

  /** An object whose every method is a call to the target. */
  route(caller: Caller, target: SimulatedObject): never {
    const route: Route = { caller, target, stub: newStub() };
    return new Proxy({} as never, {
      get: (_target, method) =>
        typeof method === "string" && method !== "then"
          ? (argument: unknown) => this.#call(route, method, argument)
          : undefined,
    });
  }

  #call(route: Route, method: string, argument: unknown): Promise<unknown> {
    const { caller, target, stub } = route;
    const label = `${caller.name} → ${target.name} ${method}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!caller.beginOutgoing(label)) return promise;
    const message = this.#copy(argument, label);
    let isOver = false;
    const end = (answer: () => void): void => {
      if (!isOver) caller.endOutgoing(answer);
      isOver = true;
    };
    const refuse = (error: Error): void =>
      end(() => {
        if (route.stub === stub) route.stub = newStub();
        reject(error);
      });
    const fail = (why: string): void => {
      stub.isBroken = true;
      refuse(new CallFailed(`${why} (${label})`));
    };
    const now = this.#scheduler.now();
    const latencyMs = caller.isLastCall()
      ? this.#faults.slowCallLatency()
      : this.#faults.callLatency();
    const delayMs = Math.max(latencyMs, stub.lastArrival - now);
    const fate = this.#faults.callFate();
    if (fate === "lost") {
      this.#scheduler.schedule(delayMs, `lost: ${label}`, () => fail("Network connection lost."));
      return promise;
    }
    stub.lastArrival = now + delayMs;
    const delivery = { method, message, label, delayMs, from: caller.name, stub, fail };
    this.#deliver(target, delivery, (outcome) => {
      if (stub.isBroken || fate === "answerLost") {
        return fail("Network connection lost before the answer.");
      }
      if (outcome.ok) return end(() => resolve(outcome.value));
      if (outcome.lost) return fail(outcome.error.message);
      refuse(outcome.error);
    });
    if (fate === "repeated") {
      const again = { message: copyOf(message), label: `again: ${label}` };
      const later = delayMs + this.#faults.choices.between(0, 3_000);
      this.#deliver(target, { ...delivery, ...again, delayMs: later }, () => undefined);
    }
    return promise;
  }

  #deliver(target: SimulatedObject, call: Delivery, answer: (outcome: Outcome) => void): void {
    const serve = (): void => {
      void target.deliver(call.method, call.message).then((outcome) => {
        const copied = outcome.ok
          ? { ok: true as const, value: this.#copy(outcome.value, call.label) }
          : outcome;
        const answering = (): string =>
          `answer: ${call.label} ${copied.ok ? summary(copied.value) : describe(copied.error)}`;
        const message = copied.ok ? copied.value : copied.error;
        this.#scheduler.schedule(this.#faults.callLatency(), answering, () =>
          this.#direct({ kind: "answer", message, target, call }, () => answer(copied)),
        );
      });
    };
    const arriving = (): string => `${call.label} ${summary(call.message)}`;
    this.#scheduler.schedule(call.delayMs, arriving, () =>
      this.#direct({ kind: "call", message: call.message, target, call }, serve),
    );
  }

  #direct(
    step: { kind: "call" | "answer"; message: unknown; target: SimulatedObject; call: Delivery },
    proceed: () => void,
  ): void {
    const { kind, message, target, call } = step;
    const { from, method: operation, stub, fail } = call;
    const taken = this.#director?.takes({
      kind,
      from,
      to: target.name,
      operation,
      message,
      ...(kind === "call" && { connection: stub }),
      proceed,
      fail: () => fail("Network connection lost."),
    });
    if (taken !== true) proceed();
  }

  /** By value, as structured clone carries it; whole buffers travel, so a view of a larger one is waste. */
  #copy<Value>(value: Value, label: string): Value {
    try {
      return copyOf(value);
    } catch (error) {
      this.#violations.add(`${label} carries what cannot be cloned: ${describe(error)}`);
      throw error;
    }
  }
}

function newStub(): Stub {
  return { lastArrival: 0, isBroken: false };
}

interface Delivery {
  readonly method: string;
  readonly message: unknown;
  readonly label: string;
  readonly delayMs: number;
  readonly from: string;
  readonly stub: Stub;
  readonly fail: (why: string) => void;
}

/** A message in one short line of the trace. */
export function summary(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    part instanceof Uint8Array ? `<${part.length} bytes>` : part,
  );
  if (text === undefined) return "";
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
