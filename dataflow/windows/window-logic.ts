/**
 * Windows one by one: each record goes into every window it belongs to, a trigger decides when to
 * show results, and a timer removes everything of a window once no record can reach it any more.
 * Semantics and order of steps are those of Flink's WindowOperator.
 */
import type {
  FiredTimer,
  KeyedOperatorLogic,
  OperatorContext,
  OperatorSetup,
} from "../operators/keyed-operator.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptor.ts";
import { assignWindows } from "./assigners.ts";
import { addToSessions, findSession, removeSession, type Session } from "./session-set.ts";
import {
  eventTimeTrigger,
  neverTrigger,
  processingTimeTrigger,
  type Trigger,
  type TriggerContext,
  type TriggerResult,
} from "./trigger.ts";
import type { WindowContents } from "./window-contents.ts";
import {
  emitLate,
  emitResult,
  windowTimeOf,
  type WindowDefinition,
  type Windowing,
} from "./window-definition.ts";
import { decodeWindow, encodeWindow, maxTimestampOf, type Window } from "./window.ts";

/** The states besides the contents: the trigger's value per window, and the sessions of a key. */
export const windowStates = (uid: string) =>
  ({
    trigger: valueState<unknown>(`${uid}-trigger`),
    sessions: valueState<readonly Session[]>(`${uid}-sessions`),
  }) as const;

export class WindowLogic<T, K, Result, Out> implements KeyedOperatorLogic {
  readonly #definition: WindowDefinition<T, K, Result, Out>;
  readonly #contents: WindowContents<T, Result>;
  readonly #trigger: Trigger<T>;
  readonly #triggerState: ValueState<unknown>;
  readonly #sessions: ValueState<readonly Session[]> | undefined;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;

  constructor(definition: WindowDefinition<T, K, Result, Out>, setup: OperatorSetup) {
    const { uid, assigner, contents, allowedLatenessMs = 0 } = definition;
    const states = windowStates(uid);
    this.#definition = definition;
    this.#contents = contents.open(setup);
    this.#trigger = triggerOf(definition);
    this.#triggerState = setup.state(states.trigger);
    this.#sessions = assigner.kind === "session" ? setup.state(states.sessions) : undefined;
    this.#isEventTime = assigner.time === "event";
    this.#latenessMs = this.#isEventTime ? allowedLatenessMs : 0;
  }

  process(_input: number, value: unknown, context: OperatorContext): void {
    const record = value as T;
    const time = windowTimeOf(this.#definition, context);
    let isSkipped = true;
    for (const assigned of assignWindows(this.#definition.assigner, record, time)) {
      const session =
        this.#sessions === undefined ? undefined : this.#join(assigned, this.#sessions, context);
      const window = session ?? assigned;
      if (this.#isLate(window, context)) {
        if (this.#sessions !== undefined) this.#retire(window, this.#sessions, context);
        continue;
      }
      isSkipped = false;
      const contents = session?.contents ?? window;
      const namespace = encodeWindow(window);
      context.namespace = contents === window ? namespace : encodeWindow(contents);
      this.#contents.add(record, context);
      if (contents !== window) context.namespace = namespace;
      const result = this.#trigger.onElement(record, time, window, this.#triggerContext(context));
      this.#follow(result, window, contents, context);
      context.namespace = namespace;
      this.#registerCleanup(window, context);
    }
    if (isSkipped) emitLate(this.#definition, record, time, context);
  }

  onTimer(timer: FiredTimer, context: OperatorContext): void {
    const window = decodeWindow(timer.namespace);
    let contents = window;
    if (this.#sessions !== undefined) {
      const session = findSession(this.#sessions.get() ?? [], window);
      // The window became part of a longer session, which has timers of its own.
      if (session === undefined) return;
      contents = session.contents;
    }
    context.namespace = timer.namespace;
    const { domain, timestamp } = timer;
    const trigger = this.#triggerContext(context);
    const result =
      domain === "event"
        ? this.#trigger.onEventTime(timestamp, window, trigger)
        : this.#trigger.onProcessingTime(timestamp, window, trigger);
    this.#follow(result, window, contents, context);
    const isCleanup = (domain === "event") === this.#isEventTime;
    if (isCleanup && timestamp === this.#cleanupTime(window)) {
      this.#remove(window, contents, context);
    }
  }

  #follow(result: TriggerResult, window: Window, contents: Window, context: OperatorContext): void {
    if (result === "continue") return;
    const namespace = encodeWindow(contents);
    if (result === "fire" || result === "fireAndPurge") {
      const value = this.#contents.read([namespace], context);
      if (value !== undefined) emitResult(this.#definition, value, window, context);
    }
    if (result === "purge" || result === "fireAndPurge") {
      context.namespace = namespace;
      this.#contents.clear(context);
    }
  }

  #remove(window: Window, contents: Window, context: OperatorContext): void {
    context.namespace = encodeWindow(contents);
    this.#contents.clear(context);
    context.namespace = encodeWindow(window);
    this.#trigger.clear(window, this.#triggerContext(context));
    this.#triggerState.clear();
    if (this.#sessions !== undefined) this.#retire(window, this.#sessions, context);
  }

  /** Joins a window to the key's sessions and answers the session it is in now. */
  #join(window: Window, stored: ValueState<readonly Session[]>, context: OperatorContext): Session {
    leaveNamespace(context);
    const { sessions, session, merged } = addToSessions(stored.get() ?? [], window);
    if (sessions.length > 0) stored.update(sessions);
    if (merged.length === 0) return session;
    const states: unknown[] = [];
    for (const old of merged) {
      context.namespace = encodeWindow(old);
      const state = this.#triggerState.get();
      if (state !== undefined) states.push(state);
      this.#trigger.clear(old, this.#triggerContext(context));
      this.#triggerState.clear();
      this.#deleteCleanup(old, context);
    }
    const sources = merged.slice(1).map((old) => encodeWindow(old.contents));
    if (sources.length > 0) {
      this.#contents.merge(encodeWindow(session.contents), sources, context);
    }
    context.namespace = encodeWindow(session);
    const state = this.#trigger.onMerge!(session, states, this.#triggerContext(context));
    if (state !== undefined) this.#triggerState.update(state);
    this.#registerCleanup(session, context);
    return session;
  }

  #retire(window: Window, stored: ValueState<readonly Session[]>, context: OperatorContext): void {
    leaveNamespace(context);
    const left = removeSession(stored.get() ?? [], window);
    if (left.length === 0) stored.clear();
    else stored.update(left);
  }

  #isLate(window: Window, context: OperatorContext): boolean {
    return this.#isEventTime && this.#cleanupTime(window) <= context.watermark;
  }

  #cleanupTime(window: Window): number {
    return maxTimestampOf(window) + this.#latenessMs;
  }

  /** The context is in the window's namespace. */
  #registerCleanup(window: Window, context: OperatorContext): void {
    const at = this.#cleanupTime(window);
    if (at === Infinity) return;
    if (this.#isEventTime) context.registerEventTimeTimer(at);
    else context.registerProcessingTimeTimer(at);
  }

  #deleteCleanup(window: Window, context: OperatorContext): void {
    const at = this.#cleanupTime(window);
    if (this.#isEventTime) context.deleteEventTimeTimer(at);
    else context.deleteProcessingTimeTimer(at);
  }

  /** Speaks of the namespace the context is in. */
  #triggerContext(context: OperatorContext): TriggerContext {
    return {
      watermark: context.watermark,
      processingTime: context.processingTime,
      getState: () => this.#triggerState.get(),
      setState: (state) => this.#triggerState.update(state),
      registerEventTimeTimer: (at) => context.registerEventTimeTimer(at),
      deleteEventTimeTimer: (at) => context.deleteEventTimeTimer(at),
      registerProcessingTimeTimer: (at) => context.registerProcessingTimeTimer(at),
      deleteProcessingTimeTimer: (at) => context.deleteProcessingTimeTimer(at),
    };
  }
}

const noNamespace = new Uint8Array(0);

function leaveNamespace(context: OperatorContext): void {
  context.namespace = noNamespace;
}

function triggerOf<T>({ trigger, assigner }: Windowing<T>): Trigger<T> {
  if (trigger !== undefined) return trigger;
  if (assigner.kind === "global") return neverTrigger;
  return assigner.time === "event" ? eventTimeTrigger : processingTimeTrigger;
}
