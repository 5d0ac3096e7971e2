/**
 * Hand-made Nexmark events: a test states only the fields it is about.
 */
import type { Auction, Bid, Person } from "../../bench/nexmark/generator/event.ts";

export function person(fields: Partial<Person>): Person {
  return {
    kind: "person",
    id: 1000,
    name: "Kate Smith",
    emailAddress: "k@s.com",
    creditCard: "1111 2222 3333 4444",
    city: "Bend",
    state: "OR",
    dateTime: 0,
    extra: "p",
    ...fields,
  };
}

export function auction(fields: Partial<Auction>): Auction {
  return {
    kind: "auction",
    id: 1000,
    itemName: "lamp",
    description: "a lamp",
    initialBid: 100,
    reserve: 200,
    dateTime: 0,
    expires: 10_000,
    seller: 1000,
    category: 10,
    extra: "a",
    ...fields,
  };
}

export function bid(fields: Partial<Bid>): Bid {
  return {
    kind: "bid",
    auction: 1000,
    bidder: 1001,
    price: 100,
    channel: "Google",
    url: "https://www.nexmark.com/x/y/z/item.htm?query=1",
    dateTime: 0,
    extra: "b",
    ...fields,
  };
}
