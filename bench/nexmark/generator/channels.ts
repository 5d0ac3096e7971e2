/**
 * The channels bids come through and their URLs: half of all bids through one of four hot channels, the rest
 * through one of 10,000 others, nine in ten of which name a channel id in their URL. Following `BidGenerator` of
 * the published generator, but the URLs come from the seed (the original draws them anew in every process).
 */
import { randomText } from "./random-values.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface Channel {
  readonly channel: string;
  readonly url: string;
}

export class Channels {
  readonly #seed: number;
  readonly #random = new SeededRandom();
  readonly #hot: readonly Channel[];
  /** By channel number; a URL is made when first asked for. */
  readonly #others: (Channel | undefined)[] = Array.from({ length: CHANNEL_COUNT });

  constructor(seed: number) {
    this.#seed = seed ^ CHANNEL_SEED;
    this.#hot = HOT_CHANNELS.map((channel, position) => {
      this.#random.reseed(this.#seed, CHANNEL_COUNT + position);
      return { channel, url: randomUrl(this.#random) };
    });
  }

  /** Draws the channel of a bid. */
  next(random: SeededRandom): Channel {
    if (random.nextInteger(HOT_CHANNELS_RATIO) > 0) {
      return this.#hot[random.nextInteger(this.#hot.length)]!;
    }
    const channelNumber = random.nextInteger(CHANNEL_COUNT);
    return (this.#others[channelNumber] ??= this.#makeChannel(channelNumber));
  }

  #makeChannel(channelNumber: number): Channel {
    this.#random.reseed(this.#seed, channelNumber);
    const url = randomUrl(this.#random);
    const hasChannelId = this.#random.nextInteger(10) > 0;
    return {
      channel: `channel-${channelNumber}`,
      url: hasChannelId ? `${url}&channel_id=${Math.abs(reverseBits(channelNumber))}` : url,
    };
  }
}

const HOT_CHANNELS_RATIO = 2;
const HOT_CHANNELS = ["Google", "Facebook", "Baidu", "Apple"];
const CHANNEL_COUNT = 10_000;

/** Keeps channel sequences apart from event sequences of the same seed. */
const CHANNEL_SEED = 0x6368616e;

function randomUrl(random: SeededRandom): string {
  const directories = Array.from({ length: 3 }, () => randomText(random, 5, "_"));
  return `https://www.nexmark.com/${directories.join("/")}/item.htm?query=1`;
}

/** The 32 bits of an integer in reverse order, as a signed integer (Java's `Integer.reverse`). */
function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) {
    reversed = (reversed << 1) | ((value >>> bit) & 1);
  }
  return reversed;
}
