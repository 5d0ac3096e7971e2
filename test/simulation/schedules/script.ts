/**
 * What a schedule keeps back, lets go and breaks: the director of a simulated world, told step by step.
 *
 * Calls over one connection stay in order: what comes over a connection behind a call that is held waits
 * with it. Everything else goes on.
 */
import type { DirectedStep, Director } from "../director.ts";
import { nameOf, type ObjectName } from "../world.ts";

/** The steps that are meant; what is left out may be anything. */
export interface StepFilter {
  readonly from?: ObjectName;
  readonly to?: ObjectName | "bucket";
  /** Methods, or PUT, GET, LIST, DELETE. */
  readonly call?: string | readonly string[];
  /** The answer instead of the call itself. */
  readonly answer?: boolean;
  /** Of the argument, the answer, or the path in the bucket. */
  readonly where?: (message: never) => boolean;
}

export class Script implements Director {
  readonly #holds = new Set<Hold>();
  readonly #crashes = new Set<{ readonly name: string; readonly point: string }>();
  /** Every step there was, in order. */
  readonly steps: DirectedStep[] = [];

  takes(step: DirectedStep): boolean {
    this.steps.push(step);
    for (const hold of this.#holds) if (hold.takes(step)) return true;
    return false;
  }

  crashesAt(lifetime: string, point: string): boolean {
    for (const crash of this.#crashes) {
      if (crash.point !== point || !isLifetimeOf(lifetime, crash.name)) continue;
      this.#crashes.delete(crash);
      return true;
    }
    return false;
  }

  hold(filter: StepFilter): Hold {
    const hold: Hold = new Hold(filter, () => this.#holds.delete(hold));
    this.#holds.add(hold);
    return hold;
  }

  /** The object loses its memory the next time it passes this crash point. */
  crashAt(object: ObjectName, point: string): void {
    this.#crashes.add({ name: nameOf(object), point });
  }

  /** How many such steps there were. */
  count(filter: StepFilter): number {
    return this.steps.filter((step) => matches(filter, step)).length;
  }

  /** Whether a crash was asked for and has not happened yet. */
  get hasCrashAhead(): boolean {
    return this.#crashes.size > 0;
  }
}

/** Steps kept back until somebody decides about them. */
export class Hold {
  readonly #filter: StepFilter;
  readonly #end: () => void;
  readonly #connections = new Set<object>();
  #held: DirectedStep[] = [];

  constructor(filter: StepFilter, end: () => void) {
    this.#filter = filter;
    this.#end = end;
  }

  /** Steps kept at the moment. */
  get count(): number {
    return this.#held.length;
  }

  get messages(): readonly unknown[] {
    return this.#held.map(({ message }) => message);
  }

  takes(step: DirectedStep): boolean {
    const { connection } = step;
    const isBehind = connection !== undefined && this.#connections.has(connection);
    if (!isBehind && !matches(this.#filter, step)) return false;
    if (connection !== undefined) this.#connections.add(connection);
    this.#held.push(step);
    return true;
  }

  /** Everything kept happens now, in order; nothing is kept any more. */
  release(): void {
    this.#end();
    for (const step of this.#take()) step.proceed();
  }

  /** The callers are told that it failed, and it never happens. */
  lose(): void {
    this.#end();
    for (const step of this.#take()) step.fail();
  }

  /** The callers are told that it failed; it happens when the hold is released. */
  giveUp(): void {
    for (const step of this.#held) step.fail();
  }

  #take(): readonly DirectedStep[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }
}

function matches(
  { from, to, call, answer = false, where }: StepFilter,
  step: DirectedStep,
): boolean {
  if ((step.kind === "answer") !== answer) return false;
  if (call !== undefined && ![call].flat().includes(step.operation)) return false;
  if (to !== undefined && step.to !== (to === "bucket" ? to : nameOf(to))) return false;
  if (from !== undefined && !isLifetimeOf(step.from, nameOf(from))) return false;
  return where === undefined || where(step.message as never);
}

function isLifetimeOf(lifetime: string, object: string): boolean {
  return lifetime === object || lifetime.startsWith(`${object}#`);
}
