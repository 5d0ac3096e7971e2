/**
 * Makes the Nexmark event with a given number: a pure function of options and number, so a stream can be
 * split, resumed and replayed anywhere. Which kind a number is, and what it refers to, follow the published
 * generator. One deviation: bidder ids get their offset once (the Flink port adds it twice, so that no bidder
 * matches the person meant; Beam's original adds it once).
 */
import type { Channels } from "./channels.ts";
import {
  FIRST_AUCTION_ID,
  FIRST_CATEGORY,
  FIRST_PERSON_ID,
  HOT_EVERY,
  epochLength,
  lastAuctionIndex,
  lastPersonIndex,
  randomAuctionIndex,
  randomPersonIndex,
} from "./event-ids.ts";
import type { Auction, Bid, NexmarkEvent, Person } from "./event.ts";
import type { GeneratorOptions } from "./generator-options.ts";
import { randomElement, randomPadding, randomPrice, randomText } from "./random-values.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface EventContext {
  readonly options: GeneratorOptions;
  readonly channels: Channels;
  /** Reseeded for each event. */
  readonly random: SeededRandom;
}

export function makeEvent(context: EventContext, eventNumber: number): NexmarkEvent {
  const { options, random } = context;
  random.reseed(options.seed, eventNumber);
  const offset = eventNumber % epochLength(options);
  if (offset < options.personProportion) return makePerson(context, eventNumber);
  if (offset < options.personProportion + options.auctionProportion) {
    return makeAuction(context, eventNumber);
  }
  return makeBid(context, eventNumber);
}

/** Event time of the event with this number, in whole milliseconds. */
export function eventTimeMs(options: GeneratorOptions, eventNumber: number): number {
  return options.baseTimeMs + Math.floor((eventNumber * 1000) / options.eventsPerSecond);
}

function makePerson({ options, random }: EventContext, eventNumber: number): Person {
  const name = `${randomElement(random, FIRST_NAMES)} ${randomElement(random, LAST_NAMES)}`;
  const emailAddress = `${randomText(random, 7)}@${randomText(random, 5)}.com`;
  const creditCard = Array.from({ length: 4 }, () => randomFourDigits(random)).join(" ");
  const city = randomElement(random, CITIES);
  const state = randomElement(random, STATES);
  const currentBytes =
    8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
  return {
    kind: "person",
    id: FIRST_PERSON_ID + lastPersonIndex(options, eventNumber),
    name,
    emailAddress,
    creditCard,
    city,
    state,
    dateTime: eventTimeMs(options, eventNumber),
    extra: randomPadding(random, { currentBytes, averageBytes: options.averagePersonBytes }),
  };
}

function makeAuction({ options, random }: EventContext, eventNumber: number): Auction {
  // The hot seller is the first of the newest hundred people.
  const seller =
    random.nextInteger(options.hotSellersRatio) > 0
      ? newestMultiple(lastPersonIndex(options, eventNumber))
      : randomPersonIndex(random, options, eventNumber);
  const category = FIRST_CATEGORY + random.nextInteger(CATEGORY_COUNT);
  const initialBid = randomPrice(random);
  const dateTime = eventTimeMs(options, eventNumber);
  const expires = dateTime + randomAuctionLengthMs({ options, random }, eventNumber);
  const itemName = randomText(random, 20);
  const description = randomText(random, 100);
  const reserve = initialBid + randomPrice(random);
  const currentBytes = 8 + itemName.length + description.length + 5 * 8;
  return {
    kind: "auction",
    id: FIRST_AUCTION_ID + lastAuctionIndex(options, eventNumber),
    itemName,
    description,
    initialBid,
    reserve,
    dateTime,
    expires,
    seller: FIRST_PERSON_ID + seller,
    category,
    extra: randomPadding(random, { currentBytes, averageBytes: options.averageAuctionBytes }),
  };
}

function makeBid({ options, random, channels }: EventContext, eventNumber: number): Bid {
  const auction =
    random.nextInteger(options.hotAuctionRatio) > 0
      ? newestMultiple(lastAuctionIndex(options, eventNumber))
      : randomAuctionIndex(random, options, eventNumber);
  // The hot bidder is the second of the newest hundred people: never the hot seller.
  const bidder =
    random.nextInteger(options.hotBiddersRatio) > 0
      ? newestMultiple(lastPersonIndex(options, eventNumber)) + 1
      : randomPersonIndex(random, options, eventNumber);
  const price = randomPrice(random);
  const { channel, url } = channels.next(random);
  return {
    kind: "bid",
    auction: FIRST_AUCTION_ID + auction,
    bidder: FIRST_PERSON_ID + bidder,
    price,
    channel,
    url,
    dateTime: eventTimeMs(options, eventNumber),
    extra: randomPadding(random, { currentBytes: 4 * 8, averageBytes: options.averageBidBytes }),
  };
}

/** On average the time in which as many auctions are listed as are to be in flight at once. */
function randomAuctionLengthMs(
  { options, random }: Pick<EventContext, "options" | "random">,
  eventNumber: number,
): number {
  const eventCount = Math.floor(
    (options.inFlightAuctionCount * epochLength(options)) / options.auctionProportion,
  );
  const horizonMs =
    eventTimeMs(options, eventNumber + eventCount) - eventTimeMs(options, eventNumber);
  return 1 + random.nextInteger(Math.max(horizonMs * 2, 1));
}

function newestMultiple(index: number): number {
  return Math.floor(index / HOT_EVERY) * HOT_EVERY;
}

function randomFourDigits(random: SeededRandom): string {
  return String(random.nextInteger(10_000)).padStart(4, "0");
}

const CATEGORY_COUNT = 5;

const STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"];

const CITIES = [
  "Phoenix",
  "Los Angeles",
  "San Francisco",
  "Boise",
  "Portland",
  "Bend",
  "Redmond",
  "Seattle",
  "Kent",
  "Cheyenne",
];

const FIRST_NAMES = [
  "Peter",
  "Paul",
  "Luke",
  "John",
  "Saul",
  "Vicky",
  "Kate",
  "Julie",
  "Sarah",
  "Deiter",
  "Walter",
];

const LAST_NAMES = [
  "Shultz",
  "Abrams",
  "Spencer",
  "White",
  "Bartels",
  "Walton",
  "Smith",
  "Jones",
  "Noris",
];
