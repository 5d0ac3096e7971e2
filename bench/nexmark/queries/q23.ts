/**
 * Query 23, three-way join: every bid with the person who made it and each auction that person lists. Two joins
 * one after the other, people with their auctions first; any of the three may come last.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { Auction, Bid, Person } from "../generator/event.ts";
import { auctionsIn, bidsIn, nexmarkEvents, personsIn } from "./nexmark-streams.ts";

interface Seller {
  readonly person: Person;
  readonly auction: Auction;
}

export function q23(options: JobOptionsInput = {}) {
  const events = nexmarkEvents("nexmark-q23", options);
  const sellers = personsIn(events)
    .keyBy(({ id }) => id, "integer")
    .connect(auctionsIn(events).keyBy(({ seller }) => seller, "integer"))
    .join("sellers", {}, (person, auction): Seller => ({ person, auction }));
  return bidsIn(events)
    .keyBy(({ bidder }) => bidder, "integer")
    .connect(sellers.keyBy(({ person }) => person.id, "integer"))
    .join("bids-of-sellers", {}, rowOf)
    .output();
}

function rowOf(bid: Bid, { person, auction }: Seller) {
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
