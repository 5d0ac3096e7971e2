/**
 * One Durable Object over all its lifetimes: storage and alarm that last, memory that does not. It
 * starts a lifetime when an event comes, ends it after ten idle seconds or when the world says so, and
 * runs the alarm at least once, again after a failure, as the platform does.
 */
import type { Alarm } from "../../durable-objects/object-context.ts";
import { NodeStorage } from "../support/node-storage.ts";
import { describe, isMemoryLost, type Instance, type Outcome } from "./instance.ts";
import type { Scheduler, ScheduledEvent } from "./scheduler.ts";
import type { Violations } from "./violations.ts";

const IDLE_MS = 10_000;
const ALARM_RETRIES = 6;
const ALARM_RETRY_MS = 2_000;

/** The real logic, called by method name as the platform does. */
export type Logic = Record<string, (...args: readonly unknown[]) => unknown>;

export interface ObjectOptions {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly violations: Violations;
  createInstance(object: SimulatedObject, lifetime: number): Instance;
  createLogic(instance: Instance): Logic;
}

export class SimulatedObject {
  readonly name: string;
  readonly storage = new NodeStorage();
  readonly alarm: Alarm;
  readonly #options: ObjectOptions;
  #lifetimes = 0;
  #instance: Instance | undefined;
  #logic: Logic | undefined;
  #idleCheck: ScheduledEvent | undefined;
  #alarmEvent: { readonly time: number; readonly event: ScheduledEvent } | undefined;
  #alarmFailures = 0;
  /** The lifetime whose alarm handler is running. */
  #alarmRunner: Instance | undefined;

  constructor(options: ObjectOptions) {
    this.#options = options;
    this.name = options.name;
    this.alarm = {
      get: () => this.storage.alarmTime,
      set: (time) => void (this.storage.alarmTime = time),
      clear: () => void (this.storage.alarmTime = undefined),
    };
  }

  get instance(): Instance | undefined {
    return this.#instance;
  }

  /** Delivers a call, starting a lifetime if there is none. */
  deliver(method: string, argument: unknown): Promise<Outcome> {
    return this.#serve(method, argument === undefined ? [] : [argument]).outcome;
  }

  /** This lifetime's memory is lost. Callers of what it was serving are told so. */
  loseMemory(why: string): void {
    const instance = this.#instance;
    if (instance === undefined) return;
    this.#options.scheduler.note(`${instance.name} loses its memory ${why}`);
    this.#replace(instance);
    instance.die();
  }

  /** The next event starts a new lifetime; this one acts on until it touches its storage or `forMs` are over. */
  becomeZombie(forMs: number): void {
    const instance = this.#instance;
    if (instance === undefined) return;
    this.#options.scheduler.note(`${instance.name} becomes a zombie for ${forMs} ms`);
    this.#replace(instance);
    instance.becomeZombie();
    this.#options.scheduler.schedule(forMs, `${instance.name} ends as a zombie`, () =>
      instance.die(),
    );
  }

  /** A lifetime, live or zombie, found out that it is over. */
  lost(instance: Instance, doing: string): void {
    if (instance === this.#instance) return this.loseMemory(doing);
    this.#options.scheduler.note(`${instance.name} ends ${doing}`);
    instance.die();
  }

  /** After each event: follows what the event changed about the alarm and about being idle. */
  settle(): void {
    this.#followAlarm();
    const instance = this.#instance;
    if (instance?.isIdle !== true || this.#idleCheck !== undefined) return;
    const delayMs = instance.lastActivity + IDLE_MS - this.#options.scheduler.now();
    this.#idleCheck = this.#options.scheduler.schedule(delayMs, `${instance.name} idle?`, () => {
      this.#idleCheck = undefined;
      const idleMs = this.#options.scheduler.now() - instance.lastActivity;
      if (instance === this.#instance && instance.isIdle && idleMs >= IDLE_MS) {
        this.loseMemory("after ten idle seconds");
      }
    });
  }

  #replace(instance: Instance): void {
    this.#instance = undefined;
    this.#logic = undefined;
    this.#idleCheck?.cancel();
    this.#idleCheck = undefined;
    if (this.#alarmRunner === instance) this.#alarmFailed();
  }

  #serve(method: string, args: readonly unknown[]): { outcome: Promise<Outcome>; by?: Instance } {
    if (this.#instance === undefined && !this.#start()) {
      const error = new Error("Network connection lost: the object lost its memory.");
      return { outcome: Promise.resolve({ ok: false, error, lost: true }) };
    }
    const instance = this.#instance!;
    const logic = this.#logic!;
    if (typeof logic[method] !== "function") {
      throw new Error(`${this.name} has no method ${method}.`);
    }
    return { outcome: instance.serve(() => logic[method]!(...args)), by: instance };
  }

  /** False when the memory was lost while the logic was being constructed. */
  #start(): boolean {
    const instance = this.#options.createInstance(this, ++this.#lifetimes);
    this.#instance = instance;
    try {
      this.#logic = this.#options.createLogic(instance);
    } catch (error) {
      if (!isMemoryLost(error)) {
        this.#options.violations.add(`The constructor of ${this.name} threw: ${describe(error)}`);
      }
      this.loseMemory("while it was constructed");
      return false;
    }
    return this.#instance === instance;
  }

  #followAlarm(): void {
    const time = this.storage.alarmTime;
    if (this.#alarmEvent?.time === time && time !== undefined) return;
    this.#alarmEvent?.event.cancel();
    this.#alarmEvent = undefined;
    if (time === undefined || this.#alarmRunner !== undefined) return;
    const { scheduler } = this.#options;
    const event = scheduler.schedule(time - scheduler.now(), `${this.name} alarm`, () => {
      this.#alarmEvent = undefined;
      this.#runAlarm();
    });
    this.#alarmEvent = { time, event };
  }

  #runAlarm(): void {
    this.storage.alarmTime = undefined;
    const { outcome, by } = this.#serve("alarm", []);
    if (by === undefined) return this.#alarmFailed();
    // The handler may have lost the memory before it came to its first await.
    if (!by.isLive) return this.#alarmFailed();
    this.#alarmRunner = by;
    void outcome.then((result) => {
      if (this.#alarmRunner !== by) return;
      this.#alarmRunner = undefined;
      if (result.ok) {
        this.#alarmFailures = 0;
        return;
      }
      this.#options.violations.add(`${by.name}'s alarm rejected: ${describe(result.error)}`);
    });
  }

  #alarmFailed(): void {
    this.#alarmRunner = undefined;
    this.#alarmFailures++;
    if (this.storage.alarmTime !== undefined) return;
    if (this.#alarmFailures > ALARM_RETRIES) {
      this.#alarmFailures = 0;
      this.#options.scheduler.note(`${this.name} has its alarm dropped after failing runs`);
      return;
    }
    const delayMs = ALARM_RETRY_MS * 2 ** (this.#alarmFailures - 1);
    this.storage.alarmTime = this.#options.scheduler.now() + delayMs;
  }
}
