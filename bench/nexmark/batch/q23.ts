/**
 * Query 23, three-way join: every bid with the person who made it and each auction that person lists. Inner
 * joins on the person's id, without any bound in time; any of the three may come last.
 * Emitted: one row a triple, as soon as all three have arrived; never taken back.
 * Compare: as a bag of rows. (The published columns leave out the bid's auction and time and the person's time.)
 */
import type { Auction, Bid, Person } from "../generator/event.ts";
import { auctionsOf, bidsOf, joinOn, personsOf } from "./events-of.ts";
import type { BatchQuery, ResultRow } from "./result-row.ts";

export const q23: BatchQuery = (events) => {
  const personsWithAuctions = joinOn(
    personsOf(events),
    (person) => person.id,
    auctionsOf(events),
    (auction) => auction.seller,
  );
  return joinOn(
    bidsOf(events),
    (bid) => bid.bidder,
    personsWithAuctions,
    ([person]) => person.id,
  ).map(([bid, [person, auction]]) => makeRow(bid, person, auction));
};

function makeRow(bid: Bid, person: Person, auction: Auction): ResultRow {
  return {
    bidder: bid.bidder,
    price: bid.price,
    channel: bid.channel,
    url: bid.url,
    bidExtra: bid.extra,
    personId: person.id,
    name: person.name,
    emailAddress: person.emailAddress,
    creditCard: person.creditCard,
    city: person.city,
    state: person.state,
    personExtra: person.extra,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    auctionDateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    auctionExtra: auction.extra,
  };
}
