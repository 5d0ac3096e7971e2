/** Query 3, local item suggestion: auctions of category 10 joined with sellers from three states, for ever. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { auctionsIn, nexmarkEvents, personsIn } from "./nexmark-streams.ts";

export function q3(options: JobOptionsInput = {}) {
  const events = nexmarkEvents("nexmark-q3", options);
  const persons = personsIn(events)
    .filter(({ state }) => state === "OR" || state === "ID" || state === "CA")
    .map(({ id, name, city, state }) => ({ id, name, city, state }))
    .keyBy(({ id }) => id, "integer");
  return auctionsIn(events)
    .filter(({ category }) => category === 10)
    .map(({ id, seller }) => ({ id, seller }))
    .keyBy(({ seller }) => seller, "integer")
    .connect(persons)
    .join("local-sellers", {}, ({ id }, { name, city, state }) => ({ name, city, state, id }))
    .output();
}
