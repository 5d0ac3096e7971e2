/**
 * The sessions of one key. A session is a window that grows; its contents stay where they were first
 * put (its state window), so growing moves nothing. Flink's MergingWindowSet.
 */
import type { Window } from "./window.ts";

export interface Session extends Window {
  /** The window under whose namespace the contents are. */
  readonly contents: Window;
}

export interface SessionChange {
  readonly sessions: readonly Session[];
  /** The session the new window is in. */
  readonly session: Session;
  /** Sessions that are no more because they became part of it; empty when it only stayed as it was. */
  readonly merged: readonly Session[];
}

/** Adds a window. Windows that overlap or touch become one, as in Flink. */
export function addToSessions(sessions: readonly Session[], window: Window): SessionChange {
  const touching = sessions.filter(({ start, end }) => start <= window.end && end >= window.start);
  const start = Math.min(window.start, ...touching.map((session) => session.start));
  const end = Math.max(window.end, ...touching.map((session) => session.end));
  const first = touching[0];
  if (first !== undefined && first.start === start && first.end === end) {
    return { sessions, session: first, merged: [] };
  }
  const session = { start, end, contents: first?.contents ?? window };
  const others = sessions.filter((each) => !touching.includes(each));
  return { sessions: [...others, session], session, merged: touching };
}

/** Without the session that covers exactly this window. */
export function removeSession(sessions: readonly Session[], window: Window): readonly Session[] {
  return sessions.filter(({ start, end }) => start !== window.start || end !== window.end);
}

export function findSession(sessions: readonly Session[], window: Window): Session | undefined {
  return sessions.find(({ start, end }) => start === window.start && end === window.end);
}
