/** Query 8, monitor new users: people who register and list an auction within the same 10 s of event time. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { auctionsIn, personsIn, timedNexmarkEvents } from "./nexmark-streams.ts";

export function q8(options: JobOptionsInput = {}) {
  const events = timedNexmarkEvents("nexmark-q8", options);
  const sellers = auctionsIn(events)
    .map(({ seller }) => seller)
    .keyBy((seller) => seller, "integer");
  return (
    personsIn(events)
      .map(({ id, name }): NewPerson => ({ id, name }))
      .keyBy(({ id }) => id, "integer")
      .connect(sellers)
      // Both sides of a window at once, not pairs: a person gives one row, however many auctions they list.
      .windowCoGroup(
        "new-sellers",
        { assigner: tumblingWindows(10_000) },
        (persons, listed, { window }): readonly NewSeller[] =>
          listed.length === 0
            ? []
            : persons.map(({ id, name }) => ({ id, name, windowStart: window.start })),
      )
      .output()
  );
}

interface NewPerson {
  readonly id: number;
  readonly name: string;
}

interface NewSeller extends NewPerson {
  readonly windowStart: number;
}
