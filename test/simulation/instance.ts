/**
 * One lifetime of a Durable Object's memory: the ObjectContext of the real logic, and the gate between
 * that logic and the world.
 *
 * Promise: once the memory is lost, nothing of this lifetime acts any more. Promises of the world to
 * it never settle, its timers do not run, its calls do not leave, its storage throws MemoryLost. A
 * zombie does all of this still, until it touches its storage; that is when the platform notices.
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { StateEngineError } from "../../state-engine/errors.ts";
import type {
  Alarm,
  ObjectContext,
  Peers,
  Sql,
  SqlValue,
  Timer,
} from "../../durable-objects/object-context.ts";
import type { NodeStorage } from "../support/node-storage.ts";
import type { Faults } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Violations } from "./violations.ts";

/** Thrown into the code of a lifetime that is over. Nothing it does afterwards counts. */
export class MemoryLost extends Error {
  constructor(doing: string) {
    super(`This lifetime's memory is lost; ${doing} has no effect.`);
    this.name = "MemoryLost";
  }
}

export interface InstanceOptions {
  /** Like "partition/counts/1#3": the object, and which of its lifetimes. */
  readonly name: string;
  readonly storage: NodeStorage;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly violations: Violations;
  readonly environment: Environment;
  readonly codeVersion: string;
  readonly alarm: Alarm;
  readonly peers: (caller: Instance) => Peers;
  readonly blobStore: (caller: Instance) => BlobStore;
  /** Called when the storage finds out that a newer lifetime has taken over, or a crash point ends this one. */
  readonly onLost: (instance: Instance, doing: string) => void;
  readonly onCrashPoint: (instance: Instance, name: string) => boolean;
  /** Ends this lifetime as crashes do, unless it is over. */
  readonly onCrash: (instance: Instance, why: string) => void;
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  /** `lost`: the memory was gone before there was an answer; otherwise the logic itself threw. */
  | { readonly ok: false; readonly error: Error; readonly lost: boolean };

export class Instance implements ObjectContext {
  readonly name: string;
  readonly sql: Sql;
  readonly alarm: Alarm;
  readonly environment: Environment;
  readonly blobStore: BlobStore;
  readonly peers: Peers;
  readonly codeVersion: string;

  readonly #options: InstanceOptions;
  readonly #serving = new Set<(outcome: Outcome) => void>();
  readonly #timers = new Set<Timer>();
  #state: "live" | "zombie" | "dead" = "live";
  #outgoing = 0;
  #keptAlive = 0;
  #lastActivity: number;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.name = options.name;
    this.environment = options.environment;
    this.codeVersion = options.codeVersion;
    this.#lastActivity = options.scheduler.now();
    this.sql = this.#gatedSql();
    this.alarm = this.#gatedAlarm();
    this.peers = options.peers(this);
    this.blobStore = options.blobStore(this);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!this.hasMemory) return { cancel: () => undefined };
    const event = this.#options.scheduler.schedule(delayMs, `${this.name} timer`, () => {
      this.#timers.delete(timer);
      this.run(callback, "running a timer");
    });
    const timer: Timer = {
      cancel: () => {
        event.cancel();
        this.#timers.delete(timer);
      },
    };
    this.#timers.add(timer);
    return timer;
  }

  keepAlive(work: Promise<void>): void {
    this.#keptAlive++;
    const settled = (): void => {
      this.#keptAlive--;
      this.#touch();
    };
    work.then(settled, (error: unknown) => {
      settled();
      this.reportError(error, "running work given to keepAlive, which must not reject");
    });
  }

  reportError(error: unknown, doing: string): void {
    if (!this.hasMemory || isMemoryLost(error)) return;
    // A successor deletes what only this lifetime knew of, and it may still read that.
    if (!this.isLive && error instanceof StateEngineError && error.kind === "missing") return;
    this.#options.scheduler.note(`${this.name} reports while ${doing}: ${describe(error)}`);
    this.#options.violations.reported(this.name, error, doing);
  }

  crashPoint(name: string): void {
    this.#requireMemory(`passing ${name}`);
    if (this.#options.onCrashPoint(this, name)) this.#lose(`at the crash point ${name}`);
  }

  /** True for a live lifetime and for a zombie. */
  get hasMemory(): boolean {
    return this.#state !== "dead";
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  /** Nothing but silence keeps it in memory. */
  get isIdle(): boolean {
    const busy = this.#serving.size + this.#outgoing + this.#keptAlive + this.#timers.size;
    return busy === 0;
  }

  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** What keeps it from being idle, in words. */
  describeWork(): string {
    return (
      `${this.#serving.size} calls being served, ${this.#outgoing} calls or storage operations under way, ` +
      `${this.#timers.size} timers, ${this.#keptAlive} promises kept alive`
    );
  }

  /** Runs a call that arrived. The outcome is a failure if the memory is lost before it is served. */
  serve(work: () => unknown): Promise<Outcome> {
    this.#touch();
    return new Promise<Outcome>((resolve) => {
      this.#serving.add(resolve);
      const settle = (outcome: Outcome): void => {
        if (!this.#serving.delete(resolve)) return;
        this.#touch();
        resolve(outcome);
      };
      new Promise((begin) => begin(work())).then(
        (value) => settle({ ok: true, value }),
        (error: unknown) => {
          if (!isMemoryLost(error)) settle({ ok: false, error: asError(error), lost: false });
        },
      );
    });
  }

  /**
   * Before a call or storage operation leaves. False: the memory is lost, nothing leaves and nothing answers.
   * `holds`: whether what is under way keeps the object in memory.
   */
  beginOutgoing(doing: string, holds = true): boolean {
    if (!this.hasMemory) return false;
    if (this.#options.faults.happens("crashAtCall")) {
      this.#options.onLost(this, `before ${doing}`);
      return false;
    }
    if (holds) this.#outgoing++;
    return true;
  }

  isLastCall(): boolean {
    const { faults, onCrash, scheduler } = this.#options;
    if (!faults.happens("lastCall")) return false;
    const delayMs = faults.choices.between(0, 50);
    scheduler.schedule(delayMs, `${this.name} made its last call`, () =>
      onCrash(this, "after its last call"),
    );
    return true;
  }

  /** Hands an answer of the world to the logic, if it still has its memory. */
  endOutgoing(answer: () => void, holds = true): void {
    if (!this.hasMemory) return;
    if (holds) this.#outgoing--;
    this.#touch();
    answer();
  }

  /** Runs a callback of the logic from the scheduler. */
  run(callback: () => void, doing: string): void {
    if (!this.hasMemory) return;
    this.#touch();
    try {
      callback();
    } catch (error) {
      if (!isMemoryLost(error)) {
        this.#options.violations.add(`${this.name} threw while ${doing}: ${describe(error)}`);
      }
    }
  }

  becomeZombie(): void {
    this.#state = "zombie";
  }

  /** The end of this lifetime. Callers whose calls it was serving are told that the connection is lost. */
  die(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    for (const timer of this.#timers) timer.cancel();
    if (this.#serving.size === 0) return;
    const error = new Error("Network connection lost: the object lost its memory.");
    for (const resolve of this.#serving) resolve({ ok: false, error, lost: true });
    this.#serving.clear();
  }

  #touch(): void {
    this.#lastActivity = this.#options.scheduler.now();
  }

  #lose(doing: string): never {
    this.#options.onLost(this, doing);
    throw new MemoryLost(doing);
  }

  #requireMemory(doing: string): void {
    if (this.#state === "dead") throw new MemoryLost(doing);
  }

  /** Storage is where the platform notices a lifetime that was replaced. */
  #requireOwnership(doing: string): void {
    if (this.#state === "zombie") this.#lose(`${doing}, as a zombie`);
    this.#requireMemory(doing);
  }

  #gatedSql(): Sql {
    const { storage } = this.#options;
    return {
      exec: <Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) => {
        this.#requireOwnership("using storage");
        return storage.exec<Row>(query, ...bindings);
      },
      transaction: <Result>(body: () => Result) => {
        this.#requireOwnership("using storage");
        return storage.transaction(body);
      },
    };
  }

  #gatedAlarm(): Alarm {
    const { alarm } = this.#options;
    return {
      get: () => {
        this.#requireOwnership("reading the alarm");
        return alarm.get();
      },
      set: (time) => {
        this.#requireOwnership("setting the alarm");
        alarm.set(time);
      },
      clear: () => {
        this.#requireOwnership("clearing the alarm");
        alarm.clear();
      },
    };
  }
}

export function isMemoryLost(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof MemoryLost) return true;
  }
  return false;
}

export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
