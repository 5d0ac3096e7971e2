/**
 * Query 3, local item suggestion: who sells in Oregon, Idaho or California, in category 10, and which auction.
 * An inner join of auctions and people on the seller, without any bound in time: the person may register after
 * listing. Emitted: one row a pair, as soon as both have arrived; never taken back.
 * Compare: as a bag of rows.
 */
import { auctionsOf, joinOn, personsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q3: BatchQuery = (events) => {
  const auctions = auctionsOf(events).filter((auction) => auction.category === 10);
  const persons = personsOf(events).filter((person) => STATES.includes(person.state));
  return joinOn(
    auctions,
    (auction) => auction.seller,
    persons,
    (person) => person.id,
  ).map(([auction, person]) => ({
    name: person.name,
    city: person.city,
    state: person.state,
    id: auction.id,
  }));
};

const STATES = ["OR", "ID", "CA"];
