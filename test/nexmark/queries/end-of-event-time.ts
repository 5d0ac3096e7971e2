/** The last event of a run, long after all others. */
import type { Person } from "../../../bench/nexmark/generator/event.ts";

/** Ends every window and session of the stream, and is in no result itself: nothing else refers to this person. */
export const endOfEventTime: Person = {
  kind: "person",
  id: 0,
  name: "",
  emailAddress: "",
  creditCard: "",
  city: "",
  state: "",
  dateTime: Date.UTC(2100, 0),
  extra: "",
};
