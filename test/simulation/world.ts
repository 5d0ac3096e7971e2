/**
 * A simulated world: objects, the network between them, a bucket, a clock, and the faults of all of
 * these, driven by one seed.
 *
 * The logic it runs is whatever `createLogic` builds; simulate.ts plugs in the real one. A world ends
 * at the first violation. Rejections nobody handles are violations too.
 */
import type { Peers } from "../../durable-objects/object-context.ts";
import type { TaskId } from "../../durable-objects/messages.ts";
import { createNodeEnvironment, TestMemoryPool } from "../support/node-environment.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { SimulatedBucket } from "./bucket.ts";
import type { Director } from "./director.ts";
import { Faults, type FaultRates } from "./faults.ts";
import { describe, Instance, isMemoryLost } from "./instance.ts";
import { CallFailed, type Caller, Network, outsideCaller } from "./network.ts";
import { Scheduler } from "./scheduler.ts";
import { type Logic, SimulatedObject } from "./simulated-object.ts";
import { Trace } from "./trace.ts";
import { Violations } from "./violations.ts";

export type ObjectName =
  | { readonly kind: "source"; readonly index: number }
  | { readonly kind: "partition"; readonly task: TaskId }
  | { readonly kind: "coordinator" };

export interface WorldOptions {
  readonly seed: number;
  readonly rates: FaultRates;
  /** An object with the methods of its calls, and alarm(). */
  createLogic(name: ObjectName, context: Instance): object;
  /** Bytes of the memory pool each object has. */
  readonly memoryBytes: number;
  /** Blocks of tables are written as they are, which is several times faster; without it, with zstd. */
  readonly uncompressed?: boolean;
  /** False keeps a short trace. Default: a full one. */
  readonly traced?: boolean;
  /** Loses the memory of an object at these passings (from 1) of a named crash point. */
  readonly crashAt?: { readonly point: string; readonly passings: readonly number[] };
  /** Sees every call and storage operation before it happens. */
  readonly director?: Director;
}

export class World {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly violations: Violations;
  readonly bucket: SimulatedBucket;
  /** Dice for the workload. */
  readonly random: SeededRandom;
  /** How often each crash point was passed. */
  readonly crashPoints = new Map<string, number>();
  /** Objects that lost their memory to a fault. */
  losses = 0;
  /** Called after every event; what it awaits must not need the scheduler. */
  afterEvent: (() => Promise<void> | undefined) | undefined;

  readonly #options: WorldOptions;
  readonly #identifiers: SeededRandom;
  readonly #network: Network;
  readonly #objects = new Map<string, SimulatedObject>();
  /** The deploy whose code each object runs. */
  readonly #deploys = new Map<string, number>();
  #latestDeploy = 1;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.scheduler = new Scheduler(new Trace(options.traced));
    const random = new SeededRandom(options.seed);
    this.faults = new Faults(random.fork(), options.rates);
    this.random = random.fork();
    this.#identifiers = random.fork();
    this.violations = new Violations(isFaultOfTheWorld);
    this.bucket = new SimulatedBucket(this.scheduler, this.faults, options.director);
    const { scheduler, faults, violations } = this;
    this.#network = new Network(scheduler, faults, violations, options.director);
  }

  get objects(): readonly SimulatedObject[] {
    return [...this.#objects.values()];
  }

  /** The object of this name, made when it is first named. */
  object(name: ObjectName): SimulatedObject {
    const text = nameOf(name);
    const known = this.#objects.get(text);
    if (known !== undefined) return known;
    const object = this.#createObject(name, text);
    this.#objects.set(text, object);
    return object;
  }

  /** Resolves when so much simulated time has passed: for clients outside. */
  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.schedule(milliseconds, "a client goes on", resolve);
    });
  }

  /** Calls from outside: a client whose connection has the same faults as any. */
  outside(name: string): Peers {
    return this.#peers(outsideCaller(name));
  }

  /** Runs the next event and its consequences. False when nothing is left to do, or a promise was broken. */
  async step(): Promise<boolean> {
    const ran = await this.scheduler.step();
    if (!ran || this.violations.first !== undefined) return false;
    if (this.faults.happens("crash")) this.#crashSomething();
    if (this.faults.happens("deploy")) this.deploy();
    for (const object of this.#objects.values()) object.settle();
    await this.afterEvent?.();
    return this.violations.first === undefined;
  }

  /**
   * Steps until `done` holds, nothing is left to do, or a limit is reached; says which. What lies further
   * ahead than `horizonMs` is not waited for: nothing is left to do before it.
   */
  async run(limits: {
    readonly events: number;
    readonly simulatedMs: number;
    readonly horizonMs?: number;
    readonly done?: () => boolean;
  }): Promise<"done" | "empty" | "limit" | "violation"> {
    const end = this.scheduler.now() + limits.simulatedMs;
    for (let event = 0; event < limits.events && this.scheduler.now() <= end; event++) {
      if (limits.done?.() === true) return "done";
      const { horizonMs = Infinity } = limits;
      if (await this.scheduler.isQuietFor(horizonMs)) return "empty";
      if (await this.step()) continue;
      return this.violations.first === undefined ? "empty" : "violation";
    }
    return limits.done?.() === true ? "done" : "limit";
  }

  /** New code: every object is restarted with it, at its own moment within the next seconds. */
  deploy(): void {
    const deploy = ++this.#latestDeploy;
    for (const object of this.#objects.values()) {
      const delayMs = this.faults.choices.between(0, 5_000);
      this.scheduler.schedule(delayMs, `${object.name} gets deploy ${deploy}`, () =>
        this.deployTo(object, deploy),
      );
    }
  }

  /** The object runs this deploy from now on, unless it has a newer one. */
  deployTo(object: SimulatedObject, deploy: number): void {
    this.#latestDeploy = Math.max(this.#latestDeploy, deploy);
    if (this.#deployOf(object.name) >= deploy) return;
    this.#deploys.set(object.name, deploy);
    object.loseMemory("by a deploy");
  }

  /** Runs `body` with rejections nobody handles counted as violations. */
  async watch<Result>(body: () => Promise<Result>): Promise<Result> {
    const others = process.listeners("unhandledRejection");
    const listener = (error: unknown): void => {
      if (!isMemoryLost(error))
        this.violations.add(`Nobody handled a rejection: ${stackOf(error)}`);
    };
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", listener);
    try {
      return await body();
    } finally {
      process.off("unhandledRejection", listener);
      for (const other of others) process.on("unhandledRejection", other);
    }
  }

  close(): void {
    for (const object of this.#objects.values()) {
      object.loseMemory("at the end of the world");
      object.storage.close();
    }
  }

  #crashSomething(): void {
    const living = this.objects.filter((object) => object.instance !== undefined);
    if (living.length === 0) return;
    this.#endLifetime(this.faults.choices.pick(living), "in a crash");
  }

  #endLifetime(object: SimulatedObject, why: string): void {
    this.losses++;
    if (!this.faults.happens("zombie")) return object.loseMemory(why);
    object.becomeZombie(this.faults.choices.between(0, 30_000));
  }

  #createObject(name: ObjectName, text: string): SimulatedObject {
    return new SimulatedObject({
      name: text,
      scheduler: this.scheduler,
      violations: this.violations,
      createInstance: (object, lifetime) => this.#createInstance(object, lifetime),
      createLogic: (instance) => this.#options.createLogic(name, instance) as Logic,
    });
  }

  #createInstance(object: SimulatedObject, lifetime: number): Instance {
    const { scheduler, faults, violations } = this;
    return new Instance({
      name: `${object.name}#${lifetime}`,
      storage: object.storage,
      scheduler,
      faults,
      violations,
      environment: createNodeEnvironment({
        now: () => scheduler.now(),
        random: this.#identifiers.fork(),
        memory: new TestMemoryPool(this.#options.memoryBytes),
        uncompressed: this.#options.uncompressed === true,
      }),
      codeVersion: `version-${this.#deployOf(object.name)}`,
      alarm: object.alarm,
      peers: (caller) => this.#peers(caller),
      blobStore: (caller) => this.bucket.storeFor(caller),
      onLost: (instance, doing) => {
        this.losses++;
        object.lost(instance, doing);
      },
      onCrash: (instance, why) => {
        if (object.instance === instance) this.#endLifetime(object, why);
      },
      onCrashPoint: (instance, point) =>
        this.#options.director?.crashesAt(instance.name, point) === true || this.#crashesAt(point),
    });
  }

  /** An object that is new begins with the newest code. */
  #deployOf(name: string): number {
    const deploy = this.#deploys.get(name) ?? this.#latestDeploy;
    this.#deploys.set(name, deploy);
    return deploy;
  }

  #crashesAt(point: string): boolean {
    const passing = (this.crashPoints.get(point) ?? 0) + 1;
    this.crashPoints.set(point, passing);
    const wanted = this.#options.crashAt;
    if (wanted?.point === point && wanted.passings.includes(passing)) return true;
    return this.faults.happens("crashAtPoint");
  }

  #peers(caller: Caller): Peers {
    const route = (name: ObjectName): never => this.#network.route(caller, this.object(name));
    return {
      source: (index) => route({ kind: "source", index }),
      partition: (task) => route({ kind: "partition", task }),
      coordinator: () => route({ kind: "coordinator" }),
    };
  }
}

export function nameOf(name: ObjectName): string {
  if (name.kind === "source") return `source/${name.index}`;
  if (name.kind === "partition") return `partition/${name.task.vertex}/${name.task.index}`;
  return "coordinator";
}

/** An error that says no more than that a call or a storage operation failed. */
export function isFaultOfTheWorld(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CallFailed) return true;
    if (cause.message.includes("The simulated bucket failed")) return true;
  }
  return false;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : describe(error);
}
