/**
 * The knobs of the Nexmark generator, with the defaults its authors published (`NexmarkConfiguration` in
 * github.com/nexmark/nexmark, and Apache Beam's, from which it came). Same options, same events, byte for byte.
 * What is left out: rate shapes (sine) and the extended bid mode, which no query here reads.
 */

export interface GeneratorOptions {
  /** Any integer of 32 bits. Another seed gives another stream with the same proportions. */
  readonly seed: number;
  readonly eventCount: number;
  /** Event time of the first event. Beam's constant, so that no run depends on today's date. */
  readonly baseTimeMs: number;
  /** How densely events lie in event time. Says nothing about how fast they are produced. */
  readonly eventsPerSecond: number;
  /** Of every `person + auction + bid` events in a row, so many are of each kind, in this order. */
  readonly personProportion: number;
  readonly auctionProportion: number;
  readonly bidProportion: number;
  /** n: all but one in n bids go to the current hot auction. 1 switches it off. Likewise the next two. */
  readonly hotAuctionRatio: number;
  readonly hotSellersRatio: number;
  readonly hotBiddersRatio: number;
  /** How many auctions back a bid that is not for the hot one may reach; also sets how long auctions last. */
  readonly inFlightAuctionCount: number;
  /** How many people back a seller or bidder may be. */
  readonly activePersonCount: number;
  readonly averagePersonBytes: number;
  readonly averageAuctionBytes: number;
  readonly averageBidBytes: number;
  /** Events change places within groups of so many. 1: they do not. Not a multiple of 953. */
  readonly outOfOrderGroupSize: number;
  /** The chance, from 0 to 1, that an event is held back and arrives late. */
  readonly delayedEventProbability: number;
  /** A held-back event arrives 1 to this many milliseconds of event time late. */
  readonly occasionalDelayMs: number;
}

export const defaultGeneratorOptions: GeneratorOptions = {
  seed: 1,
  eventCount: 200_000,
  baseTimeMs: Date.UTC(2015, 6, 15),
  eventsPerSecond: 10_000,
  personProportion: 1,
  auctionProportion: 3,
  bidProportion: 46,
  hotAuctionRatio: 2,
  hotSellersRatio: 4,
  hotBiddersRatio: 4,
  inFlightAuctionCount: 100,
  activePersonCount: 1000,
  averagePersonBytes: 200,
  averageAuctionBytes: 500,
  averageBidBytes: 100,
  outOfOrderGroupSize: 1,
  delayedEventProbability: 0.1,
  occasionalDelayMs: 3000,
};

/** The multiplier that shuffles an out-of-order group; it permutes any group size it does not divide. */
export const OUT_OF_ORDER_MULTIPLIER = 953;

/** Fills in the defaults. Throws a RangeError that names the option a stream could not be made with. */
export function resolveGeneratorOptions(options: Partial<GeneratorOptions>): GeneratorOptions {
  const resolved = { ...defaultGeneratorOptions, ...options };
  for (const name of Object.keys(defaultGeneratorOptions) as (keyof GeneratorOptions)[]) {
    const smallest = smallestAllowed[name] ?? 0;
    if (!(resolved[name] >= smallest)) {
      throw new RangeError(
        `The Nexmark generator needs ${name} to be at least ${smallest}: ${name}=${resolved[name]}`,
      );
    }
  }
  if (resolved.outOfOrderGroupSize % OUT_OF_ORDER_MULTIPLIER === 0) {
    throw new RangeError(
      `The Nexmark generator cannot shuffle groups of a multiple of ${OUT_OF_ORDER_MULTIPLIER} events; ` +
        `choose another size: outOfOrderGroupSize=${resolved.outOfOrderGroupSize}`,
    );
  }
  return resolved;
}

/**
 * How far an event may lie behind the latest event time that arrived before it. Watermarks that trail by at
 * least this much (the published queries use 4 s) find no event late. An upper bound, not always reached.
 */
export function outOfOrdernessBoundMs(options: GeneratorOptions): number {
  const groupSpanMs =
    options.outOfOrderGroupSize === 1
      ? 0
      : Math.ceil((options.outOfOrderGroupSize * 1000) / options.eventsPerSecond);
  const delayMs = options.delayedEventProbability > 0 ? options.occasionalDelayMs : 0;
  return delayMs + 2 * groupSpanMs;
}

const smallestAllowed: Partial<Record<keyof GeneratorOptions, number>> = {
  seed: -(2 ** 31),
  eventsPerSecond: Number.MIN_VALUE,
  personProportion: 1,
  auctionProportion: 1,
  hotAuctionRatio: 1,
  hotSellersRatio: 1,
  hotBiddersRatio: 1,
  activePersonCount: 1,
  outOfOrderGroupSize: 1,
  occasionalDelayMs: 1,
};
