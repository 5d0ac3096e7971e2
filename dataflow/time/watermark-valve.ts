/**
 * The watermark of a partition: the minimum over its input channels, idle ones left out. A channel
 * that never carried a record counts as idle [28]. Flink's StatusWatermarkValve.
 *
 * Promise: the combined watermark never goes back. A channel that wakes up behind it is left out until
 * it has caught up, so its records may be late. When all are idle it stands still, except that it goes
 * to the latest of them, as nobody holds it back. Time ends when every channel has said so, idle ones
 * too: what a silent channel still sends before its end is not late.
 */
export interface ChannelWatermark {
  /** -Infinity before the first. */
  readonly watermark: number;
  readonly isIdle: boolean;
}

export class WatermarkValve {
  readonly #channels = new Map<string, ChannelWatermark>();
  #combined: number;

  /** `channels` by id, all of them from the start. `combined`: what a restored checkpoint had reached. */
  constructor(channels: Iterable<readonly [string, ChannelWatermark]>, combined = -Infinity) {
    for (const [id, channel] of channels) this.#channels.set(id, channel);
    this.#combined = combined;
    this.#combine();
  }

  /** The minimum so far. */
  get watermark(): number {
    return this.#combined;
  }

  /** All channels are idle: an idle mark may be passed on. */
  get isIdle(): boolean {
    return [...this.#channels.values()].every(({ isIdle }) => isIdle);
  }

  /** A channel's watermark, which also ends its idleness. One that goes back is ignored. Answers the new minimum. */
  advance(channel: string, watermark: number): number {
    const present = this.#channelOf(channel);
    const advanced = Math.max(present.watermark, watermark);
    this.#channels.set(channel, { watermark: advanced, isIdle: false });
    return this.#combine();
  }

  /** A channel has fallen silent. Answers the new minimum. */
  markIdle(channel: string): number {
    this.#channels.set(channel, { ...this.#channelOf(channel), isIdle: true });
    return this.#combine();
  }

  /** What to keep in an acknowledgement [13]. */
  save(): readonly (readonly [string, ChannelWatermark])[] {
    return [...this.#channels];
  }

  #channelOf(channel: string): ChannelWatermark {
    const present = this.#channels.get(channel);
    if (present === undefined) {
      throw new Error(`A watermark came over "${channel}", which is no channel of this partition.`);
    }
    return present;
  }

  #combine(): number {
    let smallest = Infinity;
    let latestIdle = -Infinity;
    let activeChannels = 0;
    let endedChannels = 0;
    for (const { watermark, isIdle } of this.#channels.values()) {
      if (watermark === Infinity) {
        endedChannels++;
        continue;
      }
      if (isIdle) {
        latestIdle = Math.max(latestIdle, watermark);
        continue;
      }
      activeChannels++;
      // Behind what has been passed on already: it counts again once it has caught up.
      if (watermark >= this.#combined) smallest = Math.min(smallest, watermark);
    }
    if (endedChannels > 0 && endedChannels === this.#channels.size) this.#combined = Infinity;
    else if (activeChannels === 0) this.#combined = Math.max(this.#combined, latestIdle);
    else if (smallest !== Infinity) this.#combined = Math.max(this.#combined, smallest);
    return this.#combined;
  }
}
