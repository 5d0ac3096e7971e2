/**
 * Sessions of users: runs of actions with less than half a minute between them. Lines are JSON, such
 * as {"user":"ann","action":"click","at":1700000000000}.
 */
import { job } from "../../dataflow/job.ts";
import type { JobOptionsInput } from "../../dataflow/options.ts";
import { watermarks } from "../../dataflow/time/watermark-strategy.ts";
import { sessionWindows } from "../../dataflow/windows/assigners.ts";

export interface Action {
  readonly user: string;
  readonly action: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function sessions(options: JobOptionsInput = {}) {
  return job("sessions", options)
    .lines()
    .map((line) => JSON.parse(line) as Action)
    .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(2_000, (action) => action.at))
    .keyBy((action) => action.user)
    .window(sessionWindows<Action>(30_000))
    .process("sessions-of-users", (actions, { key, window }) => [
      { user: key, start: window.start, end: window.end, actions: actions.length },
    ])
    .output();
}
