/**
 * Which ids exist when an event is made, computed from the event's number alone, so that any event can be made
 * without the ones before it. Events come in epochs of (1 person, 3 auctions, 46 bids); ids here start at 0 and
 * each kind counts up on its own. Following `PersonGenerator` and `AuctionGenerator` of the published generator.
 */
import type { GeneratorOptions } from "./generator-options.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Added to ids from 0, so that small streams already match the queries' constants. */
export const FIRST_PERSON_ID = 1000;
export const FIRST_AUCTION_ID = 1000;
export const FIRST_CATEGORY = 10;

/** Of every hundred people and auctions one is hot for a while. */
export const HOT_EVERY = 100;

/** References reach this far ahead: to people and auctions that are yet to appear. */
const ID_LEAD = 10;

export function epochLength(options: GeneratorOptions): number {
  return options.personProportion + options.auctionProportion + options.bidProportion;
}

/** The newest person when this event is made: itself, if it is a person. */
export function lastPersonIndex(options: GeneratorOptions, eventNumber: number): number {
  const epoch = Math.floor(eventNumber / epochLength(options));
  const offset = Math.min(eventNumber % epochLength(options), options.personProportion - 1);
  return epoch * options.personProportion + offset;
}

/** The newest auction when this event is made: itself, if it is an auction; -1 if there is none. */
export function lastAuctionIndex(options: GeneratorOptions, eventNumber: number): number {
  const epoch = Math.floor(eventNumber / epochLength(options));
  const offset = Math.min(
    (eventNumber % epochLength(options)) - options.personProportion,
    options.auctionProportion - 1,
  );
  return offset < 0
    ? epoch * options.auctionProportion - 1
    : epoch * options.auctionProportion + offset;
}

/** One of the active people, or one of the next few to register. */
export function randomPersonIndex(
  random: SeededRandom,
  options: GeneratorOptions,
  eventNumber: number,
): number {
  const personCount = lastPersonIndex(options, eventNumber) + 1;
  const activeCount = Math.min(personCount, options.activePersonCount);
  return personCount - activeCount + random.nextInteger(activeCount + ID_LEAD);
}

/** One of the auctions in flight, or one of the next few to be listed. */
export function randomAuctionIndex(
  random: SeededRandom,
  options: GeneratorOptions,
  eventNumber: number,
): number {
  const newest = lastAuctionIndex(options, eventNumber);
  const oldest = Math.max(newest - options.inFlightAuctionCount, 0);
  return oldest + random.nextInteger(newest - oldest + 1 + ID_LEAD);
}
