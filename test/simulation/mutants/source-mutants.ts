/** Sources that break the protocol. */
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import type { Position } from "../../../durable-objects/messages.ts";
import { type Mutant, patched, spread, withSql } from "./mutant.ts";
import {
  BAD_NETWORK,
  CRASHES_AFTER_THE_LAST_LINE,
  CRASHES_BETWEEN_BARRIERS,
  NO_FAULT_AT_ALL,
} from "./worlds.ts";

interface StoredStanding {
  readonly pending: { readonly offset: number } | null;
}

export const SOURCE_MUTANTS: readonly Mutant[] = [
  {
    name: "forgets the producer's sequence",
    rule: 11,
    world: NO_FAULT_AT_ALL,
    kind: "source",
    context: (context) =>
      withSql(context, (query) => (/INTO producers/.test(query) ? [] : undefined)),
  },
  {
    name: "keeps a checkpoint's offset in memory only",
    rule: 2,
    world: CRASHES_BETWEEN_BARRIERS,
    kind: "source",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("INSERT OR REPLACE INTO standing")) return undefined;
        const standing = JSON.parse(bindings[0] as string) as object;
        return context.sql.exec(query, JSON.stringify({ ...standing, pending: null }));
      }),
  },
  {
    name: "truncates the log at a pending checkpoint",
    rule: 18,
    world: NO_FAULT_AT_ALL,
    kind: "source",
    context: (context) =>
      withSql(context, (query, bindings) => {
        if (!query.startsWith("INSERT OR REPLACE INTO standing")) return undefined;
        const { pending } = JSON.parse(bindings[0] as string) as StoredStanding;
        if (pending !== null) {
          const below = "DELETE FROM segments WHERE first_line + lines <= ?";
          context.sql.exec(below, pending.offset);
        }
        return undefined;
      }),
  },
  {
    name: "sets no alarm when lines come in",
    rule: 27,
    world: CRASHES_AFTER_THE_LAST_LINE,
    kind: "source",
    context: (context) => ({
      ...spread(context),
      alarm: { ...spread(context).alarm, get: () => 1, set: () => undefined },
    }),
  },
  {
    name: "sends on where it believes the receiver to be",
    rule: 1,
    world: BAD_NETWORK,
    kind: "source",
    patch: () =>
      patched(OutgoingChannel.prototype, "position", ({ value }) => ({
        value(this: OutgoingChannel, state: { position: Position }, partition: never) {
          const position = this.isKnown ? this.cut : state.position;
          (value as (...args: unknown[]) => void).call(this, { ...state, position }, partition);
        },
      })),
  },
];
